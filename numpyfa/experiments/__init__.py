"""Published experiments by name: `numpyfa reproduce NAME`."""

from . import poster

EXPERIMENTS = {experiment.name: experiment for experiment in poster.EXPERIMENTS}

__all__ = ["EXPERIMENTS"]
