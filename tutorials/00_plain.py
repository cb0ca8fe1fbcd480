"""The whole of 784-200-80-10 on MNIST, by backpropagation and by feedback alignment, with nothing but NumPy.

Rows are examples. The two rules differ in one place: what carries delta down a layer, W^T or a fixed random B.
    python tutorials/00_plain.py
"""

import os
from importlib.util import find_spec
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy: on small products threads only wait for each other

import numpy as np  # noqa: E402

SIZES, LR, BATCH = (784, 200, 80, 10), 0.1, 16  # LR is the learning rate on the batch's mean gradient


def start(seed):
    """Weights W (fan_in, fan_out), biases b, and feedback B, which stands where W^T would: (fan_out, fan_in)."""
    rng = np.random.default_rng(seed)
    W = [rng.standard_normal((n, m)) / np.sqrt(n) for n, m in zip(SIZES, SIZES[1:])]
    b = [np.zeros(m) for m in SIZES[1:]]
    B = [rng.standard_normal((m, n)) / np.sqrt(n) for n, m in zip(SIZES, SIZES[1:])]
    return W, b, B


def forward(x, W, b):
    h1 = np.tanh(x @ W[0] + b[0])
    h2 = np.tanh(h1 @ W[1] + b[1])
    z = h2 @ W[2] + b[2]
    p = np.exp(z - z.max(axis=1, keepdims=True))
    return h1, h2, p / p.sum(axis=1, keepdims=True)


def step(x, y, W, b, B, rule):
    """One batch. y is one-hot; the loss is the mean cross-entropy."""
    h1, h2, p = forward(x, W, b)
    back = [w.T for w in W] if rule == "bp" else B
    delta3 = p - y  # dL/dz of the softmax output
    delta2 = (delta3 @ back[2]) * (1 - h2**2)  # tanh' = 1 - tanh^2
    delta1 = (delta2 @ back[1]) * (1 - h1**2)
    for layer, (h, delta) in enumerate([(x, delta1), (h1, delta2), (h2, delta3)]):
        W[layer] -= LR * h.T @ delta / len(x)
        b[layer] -= LR * delta.sum(axis=0) / len(x)


def main(epochs=2):
    data = np.load(Path(find_spec("numpyfa").origin).with_name("bundled") / "mnist.npz")  # all of numpyfa that is used
    x, x_test = (data[name].reshape(-1, 784) / 255 for name in ("x_train", "x_test"))
    y = np.eye(10)[data["y_train"]]
    for rule in ("bp", "fa"):
        W, b, B = start(seed=0)
        for epoch in range(epochs):
            order = np.random.default_rng(epoch).permutation(len(x))
            for batch in order.reshape(-1, BATCH):
                step(x[batch], y[batch], W, b, B, rule)
            wrong = forward(x_test, W, b)[2].argmax(axis=1) != data["y_test"]
            print(f"{rule} epoch {epoch + 1}: {100 * wrong.mean():.2f} % test error")


if __name__ == "__main__":
    main()
