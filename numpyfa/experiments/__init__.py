"""Published experiments by name: `numpyfa reproduce NAME`. Those that train nets have a protocol, those of the theory
are studies."""

from . import convolutional, poster, student_teacher

ALL = (*poster.EXPERIMENTS, *convolutional.EXPERIMENTS, student_teacher.STUDY)
EXPERIMENTS = {experiment.name: experiment for experiment in ALL}

__all__ = ["EXPERIMENTS"]
