"""numpyfa: feedback alignment and its family, in plain NumPy and CuPy.

import numpyfa as fa

data = fa.load("mnist")
net = fa.mlp("784-200-80-10")
rule = fa.FA(net)
history = fa.fit(net, rule, fa.SoftmaxCrossEntropy(), fa.SGD(0.1), data, epochs=2, batch_size=64)
"""

from importlib.metadata import PackageNotFoundError, version

from . import checkpoint as checkpoint
from . import lines as lines
from . import losses as losses
from . import metrics as metrics
from .backend import Streams as Streams
from .backend import array_module as array_module
from .convolution import Conv as Conv
from .data import Dataset as Dataset
from .data import load as load
from .errors import Diverged as Diverged
from .errors import InputError as InputError
from .gradcheck import GradientMismatch as GradientMismatch
from .gradcheck import check_gradients as check_gradients
from .layers import Dense as Dense
from .layers import Junction as Junction
from .layers import Layer as Layer
from .layers import Signal as Signal
from .layers import Trace as Trace
from .layers import Weighted as Weighted
from .learn import evaluate as evaluate
from .learn import fit as fit
from .learn import one_hot as one_hot
from .learn import train_step as train_step
from .local import Activation as Activation
from .local import AdaptiveAvgPool as AdaptiveAvgPool
from .local import AvgPool as AvgPool
from .local import BatchNorm as BatchNorm
from .local import Dropout as Dropout
from .local import Erf as Erf
from .local import GlobalAvgPool as GlobalAvgPool
from .local import Identity as Identity
from .local import LeakyReLU as LeakyReLU
from .local import Local as Local
from .local import Logistic as Logistic
from .local import MaxPool as MaxPool
from .local import ReLU as ReLU
from .local import Softplus as Softplus
from .local import Subsample as Subsample
from .local import Tanh as Tanh
from .locally_connected import LocallyConnected as LocallyConnected
from .losses import LogisticCrossEntropy as LogisticCrossEntropy
from .losses import Loss as Loss
from .losses import Output as Output
from .losses import SoftmaxCrossEntropy as SoftmaxCrossEntropy
from .losses import SquaredError as SquaredError
from .models import MODELS as MODELS
from .models import alexnet as alexnet
from .models import bartunov_lc as bartunov_lc
from .models import dkp_cnn as dkp_cnn
from .models import drtp_conv as drtp_conv
from .models import lenet as lenet
from .models import lenet_cifar as lenet_cifar
from .models import make_net as make_net
from .models import mlp as mlp
from .models import nokland_conv as nokland_conv
from .models import resnet as resnet
from .models import resnet8 as resnet8
from .models import vgg16 as vgg16
from .netfile import load_net as load_net
from .netfile import save as save
from .network import Network as Network
from .optim import SGD as SGD
from .optim import Adam as Adam
from .optim import BatchManhattan as BatchManhattan
from .optim import RMSprop as RMSprop
from .optim import cosine_schedule as cosine_schedule
from .optim import exponential_schedule as exponential_schedule
from .optim import step_schedule as step_schedule
from .rules import *  # noqa: F403  (one line a rule, in rules/__init__.py)

try:
    __version__ = version("numpyfa")
except PackageNotFoundError:  # run from a folder, not installed
    __version__ = "unknown"
