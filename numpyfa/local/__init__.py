"""The local operations by name: what the tail of a layer is made of."""

from ..errors import choose
from .activations import Activation, Erf, Identity, LeakyReLU, Logistic, ReLU, Softplus, Tanh, logistic
from .base import Local
from .batchnorm import BatchNorm
from .dropout import Dropout
from .pooling import AvgPool, GlobalAvgPool, MaxPool, Subsample

LOCALS = {
    "identity": Identity,
    "tanh": Tanh,
    "logistic": Logistic,
    "relu": ReLU,
    "leakyrelu": LeakyReLU,
    "softplus": Softplus,
    "erf": Erf,
    "maxpool": MaxPool,
    "avgpool": AvgPool,
    "globalavgpool": GlobalAvgPool,
    "subsample": Subsample,
    "batchnorm": BatchNorm,
    "dropout": Dropout,
}
ACTIVATIONS = ("identity", "tanh", "logistic", "relu", "leakyrelu", "softplus", "erf")


def local(item):
    """A local operation, given one or its name in `LOCALS`."""
    return choose(LOCALS, item, "local operation")() if isinstance(item, str) else item
