"""The local operations by name: what the tail of a layer is made of."""

from collections.abc import Callable

from ..errors import InputError, choose
from .activations import Activation as Activation
from .activations import Erf as Erf
from .activations import Identity as Identity
from .activations import LeakyReLU as LeakyReLU
from .activations import Logistic as Logistic
from .activations import ReLU as ReLU
from .activations import Softplus as Softplus
from .activations import Tanh as Tanh
from .activations import logistic as logistic
from .base import Local as Local
from .batchnorm import BatchNorm as BatchNorm
from .dropout import Dropout as Dropout
from .pooling import AdaptiveAvgPool as AdaptiveAvgPool
from .pooling import AvgPool as AvgPool
from .pooling import GlobalAvgPool as GlobalAvgPool
from .pooling import MaxPool as MaxPool
from .pooling import Subsample as Subsample

LOCALS: dict[str, Callable[[], Local]] = {
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
    "adaptiveavgpool": AdaptiveAvgPool,
    "subsample": Subsample,
    "batchnorm": BatchNorm,
    "dropout": Dropout,
}
ACTIVATIONS = ("identity", "tanh", "logistic", "relu", "leakyrelu", "softplus", "erf")


def make_local(item: Local | str) -> Local:
    """A local operation, given one or its name in `LOCALS`. Raises InputError for anything else."""
    if isinstance(item, str):
        return choose(LOCALS, item, "local operation")()
    if not isinstance(item, Local):
        raise InputError(f"the tail of a layer takes local operations or their names, found {item!r}")
    return item
