"""numpyfa: feedback alignment and its family, in plain NumPy and CuPy.

import numpyfa as fa

data = fa.load("mnist")
net = fa.mlp("784-200-80-10")
rule = fa.FA(net)
history = fa.fit(net, rule, fa.SoftmaxCrossEntropy(), fa.SGD(0.1), data, epochs=2, batch_size=64)
"""

from . import checkpoint, losses, metrics, patches
from .backend import Streams, array_module
from .convolution import Conv
from .data import Dataset, load
from .errors import Diverged, InputError
from .gradcheck import GradientMismatch, check_gradients
from .layers import Dense, Junction, Layer, Signal, Trace, Weighted
from .learn import evaluate, fit, one_hot, train_step
from .local import (
    Activation,
    AvgPool,
    BatchNorm,
    Dropout,
    Erf,
    GlobalAvgPool,
    Identity,
    LeakyReLU,
    Local,
    Logistic,
    MaxPool,
    ReLU,
    Softplus,
    Subsample,
    Tanh,
)
from .losses import LogisticCrossEntropy, Loss, Output, SoftmaxCrossEntropy, SquaredError
from .models import (
    MODELS,
    alexnet,
    dkp_cnn,
    drtp_conv,
    lenet,
    lenet_cifar,
    make_net,
    mlp,
    nokland_conv,
    resnet,
    resnet8,
)
from .netfile import load_net, save
from .network import Network
from .optim import SGD, Adam, BatchManhattan, RMSprop, cosine_schedule, exponential_schedule, step_schedule
from .rules import *  # noqa: F403  (one line a rule, in rules/__init__.py)
