"""Published experiments by name: `numpyfa reproduce NAME`."""

from . import convolutional, poster

EXPERIMENTS = {experiment.name: experiment for experiment in poster.EXPERIMENTS + convolutional.EXPERIMENTS}

__all__ = ["EXPERIMENTS"]
