"""Optimisers: p <- p - step. They change the arrays in place and keep their own memory by parameter name.

`lr` and `decay` are numbers or schedules, functions of the step (0, 1, 2, ...). `decay` pulls every parameter to 0:
coupled, it is added to the gradient, g + decay p, and so passes through momentum and scaling;
decoupled, p is multiplied by 1 - lr decay beside the step [Loshchilov & Hutter 2019].

A parameter can have a learning rate of its own: `optimizer.multiples = {"1.W": 10.0}` takes 10 lr for it.
`hidden_multiples(net, 10)` says so for every hidden layer.
"""

import inspect
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from .backend import Array, array_module
from .describe import Described
from .errors import InputError, check_number, choose, is_number, unknown_option

Schedule = Callable[[int], float]
Arrays = dict[str, Array]


class Optimizer(Described):
    """What every optimiser shares. A subclass writes `change(p, g, lr, memory)`."""

    def __init__(self, lr: float | Schedule, decay: float | Schedule = 0.0, decoupled: bool = False) -> None:
        if not callable(lr) and not (is_number(lr) and 0 < lr < math.inf):
            raise InputError(f"the learning rate must be a number above 0 or a function of the step, found {lr!r}")
        if not callable(decay) and not (is_number(decay) and 0 <= decay < math.inf):
            raise InputError(f"the decay must be a number from 0 or a function of the step, found {decay!r}")
        self.lr, self.decay, self.decoupled = lr, decay, decoupled
        self.step = 0
        self.multiples: dict[str, float] = {}
        self.memory: dict[str, Arrays] = {}
        self.lr_now = lr(0) if callable(lr) else lr

    def change(self, p: Array, g: Array, lr: float, memory: Arrays) -> None:
        """One step on the parameter p, in place, down its gradient g."""
        raise NotImplementedError

    def update(self, parameters: Arrays, gradients: Arrays) -> None:
        """One step on every parameter that has a gradient."""
        lr = self.lr_now = self.lr(self.step) if callable(self.lr) else self.lr
        decay = self.decay(self.step) if callable(self.decay) else self.decay
        self.step += 1
        for name, g in gradients.items():
            p, own_lr = parameters[name], lr * self.multiples.get(name, 1.0)
            if decay and self.decoupled:
                p *= 1 - own_lr * decay
            elif decay:
                g = g + decay * p
            self.change(p, g, own_lr, self.memory.setdefault(name, {}))

    def arrays(self) -> Arrays:
        """The memory as {"1.W.v": array}, for a checkpoint."""
        return {f"{name}.{key}": array for name, memory in self.memory.items() for key, array in memory.items()}

    def restore(self, arrays: Arrays, step: int) -> None:
        """Take back what `arrays()` gave."""
        self.step, self.memory = step, {}
        for path, array in arrays.items():
            name, _, key = path.rpartition(".")
            self.memory.setdefault(name, {})[key] = array


class SGD(Optimizer):
    """p <- p - lr g;  with momentum v <- mu v + g and p <- p - lr v (heavy ball), or p - lr (g + mu v) (Nesterov)"""

    def __init__(
        self,
        lr: float | Schedule,
        momentum: float = 0.0,
        nesterov: bool = False,
        decay: float | Schedule = 0.0,
        decoupled: bool = False,
    ) -> None:
        super().__init__(lr, decay, decoupled)
        if not (is_number(momentum) and 0 <= momentum < 1):
            raise InputError(f"the momentum must be from 0 to below 1, found {momentum!r}")
        self.momentum, self.nesterov = momentum, nesterov

    def change(self, p: Array, g: Array, lr: float, memory: Arrays) -> None:
        if self.momentum:
            v = _remember(memory, "v", p)
            v *= self.momentum
            v += g
            g = g + self.momentum * v if self.nesterov else v
        p -= lr * g


class BatchManhattan(SGD):
    """SGD on sign(g), the sign of the batch's mean gradient; a coupled decay is added after the sign.

    Source: Liao, Leibo & Poggio 2016, who found it or batch norm needed for sign feedback; in the order of Xiao et al.
    2018's code. Every entry moves by lr alike, so lr has to be small.
    """

    def update(self, parameters: Arrays, gradients: Arrays) -> None:
        super().update(parameters, {name: array_module(g).sign(g) for name, g in gradients.items()})


class RMSprop(Optimizer):
    """s <- rho s + (1 - rho) g^2;  p <- p - lr g / (sqrt s + eps)   [Tieleman & Hinton 2012; defaults as in Torch]"""

    def __init__(
        self,
        lr: float | Schedule,
        rho: float = 0.99,
        eps: float = 1e-8,
        decay: float | Schedule = 0.0,
        decoupled: bool = False,
    ) -> None:
        super().__init__(lr, decay, decoupled)
        self.rho, self.eps = check_number("rho", rho, 0, 1), check_number("eps", eps, 0)

    def change(self, p: Array, g: Array, lr: float, memory: Arrays) -> None:
        s = _remember(memory, "s", p)
        s *= self.rho
        s += (1 - self.rho) * g * g
        p -= lr * g / (array_module(p).sqrt(s) + self.eps)


class Adam(Optimizer):
    """p <- p - lr m / (sqrt s + eps); m, s: averages of g, g^2, corrected for their start at 0   [Kingma & Ba 2015]"""

    def __init__(
        self,
        lr: float | Schedule,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        decay: float | Schedule = 0.0,
        decoupled: bool = False,
    ) -> None:
        super().__init__(lr, decay, decoupled)
        self.beta1, self.beta2 = check_number("beta1", beta1, 0, 1), check_number("beta2", beta2, 0, 1)
        self.eps = check_number("eps", eps, 0)

    def change(self, p: Array, g: Array, lr: float, memory: Arrays) -> None:
        m, s = _remember(memory, "m", p), _remember(memory, "s", p)
        m *= self.beta1
        m += (1 - self.beta1) * g
        s *= self.beta2
        s += (1 - self.beta2) * g * g
        unbiased_m = m / (1 - self.beta1**self.step)
        unbiased_s = s / (1 - self.beta2**self.step)
        p -= lr * unbiased_m / (array_module(p).sqrt(unbiased_s) + self.eps)


def _remember(memory: Arrays, key: str, p: Array) -> Array:
    if key not in memory:
        memory[key] = array_module(p).zeros_like(p)
    return memory[key]


OPTIMIZERS: dict[str, Callable[..., Optimizer]] = {
    "sgd": SGD,
    "manhattan": BatchManhattan,
    "rmsprop": RMSprop,
    "adam": Adam,
}


def make_optimizer(name: str, lr: float | Schedule, **options: Any) -> Optimizer:
    """An optimiser by its name in `OPTIMIZERS`."""
    kind = choose(OPTIMIZERS, name, "optimiser")
    known = set(inspect.signature(kind).parameters) - {"lr"}
    for option in options:
        if option not in known:
            raise unknown_option(f"optimiser '{name}'", option, known)
    return kind(lr, **options)


def hidden_multiples(net: Any, factor: float, feedback: Iterable[str] = ()) -> dict[str, float]:
    """{parameter: factor} for every parameter of the hidden layers of `net`: what `Optimizer.multiples` takes.

    `feedback` names feedback that learns, "feedback.3.B": that of a hidden layer takes the factor of its W, since the
    laws of such rules ask for equal steps.
    Raises InputError unless the factor is a number above 0.
    """
    if not (is_number(factor) and 0 < factor < math.inf):
        raise InputError(f"the multiple of the hidden layers' learning rate must be a number above 0, found {factor!r}")
    layer_of = {name: name.partition(".")[0] for name in net.parameters()}
    layer_of |= {name: name.split(".")[1] for name in feedback}
    return {name: float(factor) for name, layer in layer_of.items() if layer != str(net.last.number)}


def step_schedule(lr: float, at: Sequence[int], factor: float | Sequence[float] = 0.1) -> Schedule:
    """lr, multiplied by `factor` at each of the steps `at`; or by the first of several factors at the first step, by
    the second at the second, and so on.

    A decay can have one too: step_schedule(0.03, at=[937], factor=0.003) is Li & Benna 2024's burst of the first epoch
    on MNIST (937 whole batches of 64), which makes product feedback forget how it began.
    """
    if not isinstance(factor, Sequence):
        return lambda step: lr * factor ** sum(step >= each for each in at)
    factors = tuple(factor)
    if len(factors) != len(at):
        raise InputError(f"a schedule of {len(at)} steps takes one factor or {len(at)}, found {len(factors)}")
    return lambda step: lr * math.prod(own for each, own in zip(at, factors) if step >= each)


def exponential_schedule(lr: float, factor: float, every: int = 1) -> Schedule:
    """lr factor^floor(step / every)"""
    return lambda step: lr * factor ** (step // every)


def cosine_schedule(lr: float, steps: int, warmup: int = 0) -> Schedule:
    """Linear up to lr over `warmup` steps, then half a cosine from lr to 0 at `steps`."""

    def schedule(step: int) -> float:
        if step < warmup:
            return lr * (step + 1) / warmup
        return 0.5 * lr * (1 + math.cos(math.pi * min((step - warmup) / max(steps - warmup, 1), 1)))

    return schedule
