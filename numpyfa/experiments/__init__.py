"""Published experiments by name: `numpyfa reproduce NAME`. Those that train nets have a protocol, those of the theory
are studies."""

from . import align_then_memorise, convolutional, lillicrap_linear, poster, student_teacher

ALL = (*poster.EXPERIMENTS, *convolutional.EXPERIMENTS, student_teacher.STUDY, align_then_memorise.STUDY, lillicrap_linear.STUDY)
EXPERIMENTS = {experiment.name: experiment for experiment in ALL}

__all__ = ["EXPERIMENTS"]
