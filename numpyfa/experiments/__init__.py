"""Published experiments by name: `numpyfa reproduce NAME`. Those that train nets have a protocol, those of the theory
are studies."""

from . import (
    align_then_memorise,
    convolutional,
    fixed_points,
    learned_feedback,
    lillicrap_linear,
    poster,
    student_teacher,
)

STUDIES = (
    student_teacher.STUDY,
    align_then_memorise.STUDY,
    lillicrap_linear.STUDY,
    fixed_points.STUDY,
    learned_feedback.GAP,
    learned_feedback.PATH,
)
EXPERIMENTS = {each.name: each for each in (*poster.EXPERIMENTS, *convolutional.EXPERIMENTS, *STUDIES)}

__all__ = ["EXPERIMENTS"]
