"""Exercises of notebook 05: feedback that learns."""

import numpy as np

from ..exercise import Identity, exercise, sizes

# -- Kolen and Pollack -----------------------------------------------------------------------------------------------


def pair_of_synapses(rng, n, square):
    """W, B, the h below, delta above, a learning rate and a decay."""
    fan_in, fan_out = sizes(rng, 2, square)
    W, B = rng.standard_normal((fan_in, fan_out)), rng.standard_normal((fan_out, fan_in))
    h, delta = rng.standard_normal((n, fan_in)), rng.standard_normal((n, fan_out))
    return W, B, h, delta, float(rng.uniform(0.2, 0.5)), float(rng.uniform(0.2, 0.5))


def gap_shrinks(answer, W, B, h, delta, lr, decay):
    W_new, B_new = answer(W, B, h, delta, lr, decay)
    return float(np.abs((B_new - W_new.T) - (1 - lr * decay) * (B - W.T)).max())


@exercise(
    "learn.kp",
    draw=pair_of_synapses,
    identity=Identity("the gap B - W^T shrinks by 1 - lr decay", gap_shrinks),
    hints=(
        "dW = h^T delta / N as ever. Which array of B's shape has the same numbers?",
        "dB = dW^T, and the decay is added to each gradient: dW + decay W, dB + decay B.",
        "return W - lr * (dW + decay * W), B - lr * (dW.T + decay * B)",
    ),
)
def kp(W, B, h, delta, lr, decay):
    dW = h.T @ delta / len(h)
    return W - lr * (dW + decay * W), B - lr * (dW.T + decay * B)


@kp.wrong(
    "copies W",
    "your B is the new W^T: that copies the weights, which is weight transport; B has to get there by its own steps",
)
def _(W, B, h, delta, lr, decay):
    W_new, _ = kp.solution(W, B, h, delta, lr, decay)
    return W_new, W_new.T


@kp.wrong(
    "pulled to W", "your B decays towards W^T, which it cannot see: it decays towards 0, as W does, by decay times B"
)
def _(W, B, h, delta, lr, decay):
    W_new, B_new = kp.solution(W, B, h, delta, lr, decay)
    return W_new, B_new + lr * decay * W.T


@kp.wrong("W alone decays", "your B does not decay: then the gap to W^T never closes; both decay, and alike")
def _(W, B, h, delta, lr, decay):
    W_new, B_new = kp.solution(W, B, h, delta, lr, decay)
    return W_new, B_new + lr * decay * B


@kp.wrong("B alone decays", "your W does not decay: both do, and alike")
def _(W, B, h, delta, lr, decay):
    W_new, B_new = kp.solution(W, B, h, delta, lr, decay)
    return W_new + lr * decay * W, B_new


@kp.wrong("no decay", "neither of the two decays: W and B take the same steps then, and the gap stays what it was")
def _(W, B, h, delta, lr, decay):
    return kp.solution(W, B, h, delta, lr, 0.0)


@kp.wrong("decay without lr", "the decay is not multiplied by lr: it is added to the gradient, lr (dW + decay W)")
def _(W, B, h, delta, lr, decay):
    return kp.solution(W, B, h, delta, lr, decay / lr)


@kp.wrong(
    "decay of W",
    "B decays by W^T's value: then B - W^T never shrinks, and B's synapse reads W; each decays by its own",
)
def _(W, B, h, delta, lr, decay):
    W_new, B_new = kp.solution(W, B, h, delta, lr, decay)
    return W_new, B_new + lr * decay * (B - W.T)


@kp.wrong("growth", "the sign of the decay is wrong: both grow by lr decay times themselves, and so does the gap")
def _(W, B, h, delta, lr, decay):
    return kp.solution(W, B, h, delta, lr, -decay)


@kp.wrong(
    "B grows", "the sign of B's decay is wrong: W shrinks by lr decay W, and B grows where it should shrink alike"
)
def _(W, B, h, delta, lr, decay):
    return kp.solution(W, B, h, delta, lr, decay)[0], kp.solution(W, B, h, delta, lr, -decay)[1]


@kp.wrong(
    "decay after the step",
    "you decay what the step has made, so that dW shrinks too: the law of the gap holds, but what is asked for is "
    "lr (dW + decay W), with the decay of the old W and B",
)
def _(W, B, h, delta, lr, decay):
    W_new, B_new = kp.solution(W, B, h, delta, lr, 0.0)
    return (1 - lr * decay) * W_new, (1 - lr * decay) * B_new


@kp.wrong("not transposed", "B's step is dW, not dW^T: B stands where W^T stands")
def _(W, B, h, delta, lr, decay):
    dW = h.T @ delta / len(h)
    return W - lr * (dW + decay * W), B - lr * (dW + decay * B)


@kp.wrong("B uphill", "your B goes up where W goes down: both take the step away")
def _(W, B, h, delta, lr, decay):
    dW = h.T @ delta / len(h)
    return W - lr * (dW + decay * W), B + lr * dW.T - lr * decay * B


@kp.wrong("not divided by N", "dW is not divided by N, the number of examples")
def _(W, B, h, delta, lr, decay):
    return kp.solution(W, B, h, delta * len(h), lr, decay)


@kp.wrong("changes its arguments")
def _(W, B, h, delta, lr, decay):
    dW = h.T @ delta / len(h)
    W -= lr * (dW + decay * W)
    B -= lr * (dW.T + decay * B)
    return W, B


# -- The law of the gap ----------------------------------------------------------------------------------------------


def start_and_now(rng, n, square):
    """W and B at the start, W now, a learning rate, a decay, and the number of steps."""
    fan_in, fan_out = sizes(rng, 2, square)
    W0, W = rng.standard_normal((2, fan_in, fan_out))
    lr, decay = rng.uniform(0.2, 0.5, 2)
    return W0, rng.standard_normal((fan_out, fan_in)), W, float(lr), float(decay), int(rng.integers(5, 15))


def followed(answer, W0, B0, W, lr, decay, steps):
    """How far the answer is from a B that takes these steps, on h and delta drawn at random."""
    rng, W_t, B_t = np.random.default_rng(0), W0, B0
    for _ in range(steps):
        h, delta = (rng.standard_normal((3, size)) for size in W0.shape)
        W_t, B_t = kp.solution(W_t, B_t, h, delta, lr, decay)
    return float(np.abs(answer(W0, B0, W_t, lr, decay, steps) - B_t).max())


@exercise(
    "learn.gap",
    draw=start_and_now,
    batch=False,
    identity=Identity("it is where B comes to by so many steps on any h and delta", followed),
    hints=(
        "Subtract the two updates of Exercise 1, B's minus W's transposed. What is left of dW?",
        "B - W^T <- (1 - lr decay) (B - W^T). What is it after two steps, after t?",
        "B_t = W_t^T + (1 - lr decay)^t (B_0 - W_0^T)",
    ),
)
def gap(W0, B0, W, lr, decay, steps):
    return W.T + (1 - lr * decay) ** steps * (B0 - W0.T)


@gap.wrong("gap alone", "this is the gap B_t - W_t^T: add W_t^T")
def _(W0, B0, W, lr, decay, steps):
    return (1 - lr * decay) ** steps * (B0 - W0.T)


@gap.wrong("from the start", "the gap is added to W_0^T: B follows the W of now, so it is W_t^T + ...")
def _(W0, B0, W, lr, decay, steps):
    return W0.T + (1 - lr * decay) ** steps * (B0 - W0.T)


@gap.wrong("at the end of time", "this is W_t^T, where B is when the gap is gone: after t steps some of it is left")
def _(W0, B0, W, lr, decay, steps):
    return W.T


@gap.wrong("no learning rate", "a step shrinks the gap by 1 - lr decay: the learning rate is missing")
def _(W0, B0, W, lr, decay, steps):
    return W.T + (1 - decay) ** steps * (B0 - W0.T)


@gap.wrong("first order", "1 - t lr decay holds for the first steps alone: each step shrinks what the last one left")
def _(W0, B0, W, lr, decay, steps):
    return W.T + (1 - steps * lr * decay) * (B0 - W0.T)


@gap.wrong("exponential", "exp(-lr decay t) is where small steps lead: with steps of this size it is (1 - lr decay)^t")
def _(W0, B0, W, lr, decay, steps):
    return W.T + np.exp(-lr * decay * steps) * (B0 - W0.T)


@gap.wrong("once", "this is the gap after one step: it shrinks so at every one of the t steps")
def _(W0, B0, W, lr, decay, steps):
    return W.T + (1 - lr * decay) * (B0 - W0.T)


@gap.wrong("a step too few", "the gap has shrunk by steps - 1 steps: from the start to now there are t of them")
def _(W0, B0, W, lr, decay, steps):
    return W.T + (1 - lr * decay) ** (steps - 1) * (B0 - W0.T)


@gap.wrong("other side", "the gap has the wrong sign: it is B_0 - W_0^T, and B_t lies on the side where B_0 lay")
def _(W0, B0, W, lr, decay, steps):
    return W.T - (1 - lr * decay) ** steps * (B0 - W0.T)


@gap.wrong("not transposed", "W and B are set side by side as they are: B stands where W^T stands")
def _(W0, B0, W, lr, decay, steps):
    return W + (1 - lr * decay) ** steps * (B0 - W0)


# -- Weight mirrors --------------------------------------------------------------------------------------------------


def noise(rng, n, square):
    """B, W, n examples of noise, and a rate."""
    fan_in, fan_out = sizes(rng, 2, square)
    B, W = rng.standard_normal((fan_out, fan_in)), rng.standard_normal((fan_in, fan_out))
    return B, W, rng.standard_normal((n, fan_in)), float(rng.uniform(0.1, 0.6))


def on_white_noise(answer, B, W, x, rate):
    """How far a step at rate 1 is from W^T on noise with x^T x / n = 1 exactly."""
    fan_in = len(W)
    white = (2 * fan_in) ** 0.5 * np.linalg.qr(np.random.default_rng(0).standard_normal((2 * fan_in, fan_in)))[0]
    return float(np.abs(answer(B, W, white, 1.0) - W.T).max())


@exercise(
    "learn.mirror",
    draw=noise,
    identity=Identity("on noise with x^T x / n = 1 a step at rate 1 gives W^T", on_white_noise),
    hints=(
        "z = x W is what the layer answers to the noise: no bias, no activation.",
        "z^T x / n is (fan_out, fan_in), as B is, and on average W^T. B moves a part of the way from B to that.",
        "return B + rate * (z.T @ x / len(x) - B)",
    ),
)
def mirror(B, W, x, rate):
    z = x @ W
    return B + rate * (z.T @ x / len(x) - B)


@mirror.wrong(
    "reads W", "your B goes straight to W^T: that reads the weights; B may see the noise x and the answer z alone"
)
def _(B, W, x, rate):
    return B + rate * (W.T - B)


@mirror.wrong("no decay", "your B only adds up: without the - B it grows for as long as the mirror runs")
def _(B, W, x, rate):
    return B + rate * (x @ W).T @ x / len(x)


@mirror.wrong(
    "forgets at once",
    "the rate belongs to both parts, B + rate (z^T x / n - B): yours forgets all of the old B at every step",
)
def _(B, W, x, rate):
    return rate * (x @ W).T @ x / len(x)


@mirror.wrong("transposed", "x^T z has W's shape: B stands where W^T stands, so it is z^T x")
def _(B, W, x, rate):
    return B + rate * (x.T @ (x @ W) / len(x) - B)


@mirror.wrong("not divided by n", "z^T x is a sum over the n examples of noise: divide it by n")
def _(B, W, x, rate):
    return B + rate * ((x @ W).T @ x - B)


@mirror.wrong(
    "through the activation",
    "this is tanh(z)^T x: then each row is shrunk by the mean slope of its unit; the answer is z = x W alone",
)
def _(B, W, x, rate):
    return B + rate * (np.tanh(x @ W).T @ x / len(x) - B)


@mirror.wrong("mirrors itself", "z = x B^T is what B answers: it is W that is to be mirrored, z = x W")
def _(B, W, x, rate):
    return B + rate * ((x @ B.T).T @ x / len(x) - B)


@mirror.wrong("away", "your B goes away from the mirror's image: it is B + rate (z^T x / n - B)")
def _(B, W, x, rate):
    return B - rate * ((x @ W).T @ x / len(x) - B)


@mirror.wrong("changes its arguments")
def _(B, W, x, rate):
    B += rate * ((x @ W).T @ x / len(x) - B)
    return B


# -- Direct Kolen-Pollack --------------------------------------------------------------------------------------------


def told_the_error(rng, n, square):
    """B of a hidden layer, the error, the layer's h, a learning rate and a decay."""
    outputs, units = sizes(rng, 2, square)
    B, error = rng.standard_normal((outputs, units)), rng.standard_normal((n, outputs))
    h = np.tanh(rng.standard_normal((n, units)))
    return B, error, h, float(rng.uniform(0.2, 0.5)), float(rng.uniform(0.2, 0.5))


def beside_the_output_layer(answer, B, error, h, lr, decay):
    """How far B is from Kolen-Pollack's law beside the W of an output layer that takes its own step."""
    W = np.random.default_rng(0).standard_normal(B.shape[::-1])
    W_new = W - lr * (h.T @ error / len(h) + decay * W)
    _, B_new = answer(B, error, h, lr, decay)
    return float(np.abs((B_new - W_new.T) - (1 - lr * decay) * (B - W.T)).max())


@exercise(
    "learn.dkp",
    draw=told_the_error,
    identity=Identity("beside the output layer's W it obeys Kolen-Pollack's law", beside_the_output_layer),
    hints=(
        "e is made as under DFA, with the B that is there before the step.",
        "B joins the outputs, which know the error, to the layer's units, which know h: dB = error^T h / N.",
        "return error @ B, B - lr * (error.T @ h / len(h) + decay * B)",
    ),
)
def dkp(B, error, h, lr, decay):
    return error @ B, B - lr * (error.T @ h / len(h) + decay * B)


@dkp.wrong(
    "uphill", "your B goes up: it goes the way of the output layer's W, down, B - lr (dB + decay B); else it turns away"
)
def _(B, error, h, lr, decay):
    return error @ B, B + lr * error.T @ h / len(h) - lr * decay * B


@dkp.wrong("new B", "e is made with the new B: all signals of a batch are made with the weights and feedback of before")
def _(B, error, h, lr, decay):
    _, B_new = dkp.solution(B, error, h, lr, decay)
    return error @ B_new, B_new


@dkp.wrong("delta", "you return delta, with the slope 1 - h^2: asked for is e, at h")
def _(B, error, h, lr, decay):
    e, B_new = dkp.solution(B, error, h, lr, decay)
    return e * (1 - h**2), B_new


@dkp.wrong(
    "slope in dB", "h in dB is multiplied by its slope: B learns by what its two ends are, the error and h itself"
)
def _(B, error, h, lr, decay):
    return error @ B, B - lr * (error.T @ (h * (1 - h**2)) / len(h) + decay * B)


@dkp.wrong("transposed", "h^T error is dW of an output layer: B is (outputs, units), so dB = error^T h / N")
def _(B, error, h, lr, decay):
    return error @ B, B - lr * (h.T @ error / len(h) + decay * B)


@dkp.wrong("no decay", "B does not decay: then it never forgets how it began")
def _(B, error, h, lr, decay):
    return dkp.solution(B, error, h, lr, 0.0)


@dkp.wrong("decay without lr", "the decay is not multiplied by lr: it is added to the gradient, lr (dB + decay B)")
def _(B, error, h, lr, decay):
    return dkp.solution(B, error, h, lr, decay / lr)


@dkp.wrong("not divided by N", "dB is not divided by N, the number of examples: it is a mean, as dW is")
def _(B, error, h, lr, decay):
    return error @ B, B - lr * (error.T @ h + decay * B)


@dkp.wrong("e divided", "e is divided by N: it is each example's own; dB alone is a mean over the batch")
def _(B, error, h, lr, decay):
    e, B_new = dkp.solution(B, error, h, lr, decay)
    return e / len(h), B_new


# -- Product feedback ------------------------------------------------------------------------------------------------


def two_factors(rng, n, square):
    """delta above, the fixed B, the R that learns, and the h below; k is 1 where all sizes are equal."""
    fan_in, fan_out = sizes(rng, 2, square)
    wide = fan_out if square else 2 * fan_out
    delta, h = rng.standard_normal((n, fan_out)), rng.standard_normal((n, fan_in))
    return delta, rng.standard_normal((fan_out, wide)), rng.standard_normal((wide, fan_in)), h


def moves_as_W(answer, delta, B, R, h):
    """How far e is from delta (B R), and dR from B^T dW^T."""
    e, dR = answer(delta, B, R, h)
    dW = h.T @ delta / len(h)
    return float(max(np.abs(e - delta @ (B @ R)).max(), np.abs(dR - B.T @ dW.T).max()))


@exercise(
    "learn.pfa",
    draw=two_factors,
    identity=Identity("e = delta (B R), and dR = B^T dW^T", moves_as_W),
    hints=(
        "On the way down delta becomes delta B, (N, k fan_out), at the neurons between, and then e.",
        "R joins those neurons, which know delta B, to the units below, which know h: the product of its two ends.",
        "between = delta @ B; return between @ R, between.T @ h / len(h)",
    ),
)
def pfa(delta, B, R, h):
    between = delta @ B
    return between @ R, between.T @ h / len(h)


@pfa.wrong(
    "past B",
    "your dR takes delta itself: R begins at the neurons between, and what these know is delta B",
)
def _(delta, B, R, h):
    return delta @ B @ R, delta.T @ h / len(h)


@pfa.wrong("e for h", "your dR joins delta B to e: the other end of R is at the units below, which know their h")
def _(delta, B, R, h):
    between = delta @ B
    return between @ R, between.T @ (between @ R) / len(h)


@pfa.wrong("not divided by N", "dR is not divided by N, the number of examples: it is a mean, as dW is")
def _(delta, B, R, h):
    between = delta @ B
    return between @ R, between.T @ h


@pfa.wrong("e divided", "e is divided by N: it is each example's own; dR alone is a mean over the batch")
def _(delta, B, R, h):
    between = delta @ B
    return between @ R / len(h), between.T @ h / len(h)


@pfa.wrong("transposed", "dR is transposed: R is (k fan_out, fan_in), and so is dR = (delta B)^T h / N")
def _(delta, B, R, h):
    between = delta @ B
    return between @ R, h.T @ between / len(h)


@pfa.wrong("R first", "delta goes through R and then through B: it is B first, e = delta B R")
def _(delta, B, R, h):
    return delta @ R @ B, (delta @ R).T @ h / len(h)


@pfa.wrong("B transposed", "B is transposed: rows are examples, so delta B with B (fan_out, k fan_out)")
def _(delta, B, R, h):
    return pfa.solution(delta, B.T, R, h)


@pfa.wrong("R alone", "delta goes through R alone, as under Kolen-Pollack: B comes first, e = delta B R")
def _(delta, B, R, h):
    return delta @ R, (delta @ B).T @ h / len(h)


@pfa.wrong("dR uphill", "the sign of dR is the other way round: it is a gradient, which the optimiser takes away")
def _(delta, B, R, h):
    e, dR = pfa.solution(delta, B, R, h)
    return e, -dR
