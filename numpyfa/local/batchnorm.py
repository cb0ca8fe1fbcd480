"""Batch normalisation, in training and in evaluation."""

import numpy as np

from ..backend import array_module, to_device
from ..errors import InputError
from .base import Local


class BatchNorm(Local):
    """h = gamma (z - mean) / sqrt(var + eps) + beta, mean and var over the batch   [Ioffe & Szegedy 2015]

    Over the rows of a dense layer, or over the rows and places of an image, so one number a channel.
    Training uses the batch's mean and variance, evaluation the running ones. With u = (z - mean)/s:

        training    delta = gamma/s (e - mean(e) - u mean(e u))
        evaluation  delta = gamma/s e

    The running values are an exponential average with weight `momentum` on the newest batch; the running
    variance is the unbiased one (n - 1).
    """

    def __init__(self, momentum=0.1, eps=1e-5):
        self.momentum, self.eps = float(momentum), float(eps)

    def build(self, shape, dtype, module):
        channels = shape[-1]
        self.gamma = to_device(np.ones(channels, dtype), module)
        self.beta = to_device(np.zeros(channels, dtype), module)
        self.mean = to_device(np.zeros(channels, dtype), module)
        self.var = to_device(np.ones(channels, dtype), module)
        return shape

    def parameters(self):
        return {"gamma": self.gamma, "beta": self.beta}

    def running(self):
        return {"mean": self.mean, "var": self.var}

    def forward(self, z, train=False, noise=None):
        axes = tuple(range(z.ndim - 1))
        if train and z.size == z.shape[-1]:
            raise InputError("batch norm cannot train on a single row: choose a batch size that leaves no batch of one")
        mean, var = (z.mean(axis=axes), z.var(axis=axes)) if train else (self.mean, self.var)
        s = array_module(z).sqrt(var + self.eps)
        u = (z - mean) / s
        return self.gamma * u + self.beta, (u, s, mean, var, train)

    def backward(self, e, memo):
        u, s, mean, var, train = memo
        axes = tuple(range(e.ndim - 1))
        gradients = {"gamma": (e * u).sum(axis=axes), "beta": e.sum(axis=axes)}
        if not train:
            return self.gamma / s * e, gradients
        return self.gamma / s * (e - e.mean(axis=axes) - u * (e * u).mean(axis=axes)), gradients

    def settle(self, memo):
        u, s, mean, var, train = memo
        if train:
            n = u.size // u.shape[-1]
            self.mean += self.momentum * (mean - self.mean)
            self.var += self.momentum * (var * (n / (n - 1)) - self.var)
