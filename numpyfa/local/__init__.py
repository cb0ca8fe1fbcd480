"""The local operations by name: what the tail of a layer is made of."""

from collections.abc import Callable

from ..errors import InputError, choose
from .activations import Activation, Erf, Identity, LeakyReLU, Logistic, ReLU, Softplus, Tanh, logistic
from .base import Local
from .batchnorm import BatchNorm
from .dropout import Dropout
from .pooling import AvgPool, GlobalAvgPool, MaxPool, Subsample

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
