"""Published experiments by name: `numpyfa reproduce NAME`. How any of them is run is in `numpyfa.lab`.

A paper is a module, or a folder of three files where it is large: work (settings and jobs), figure and verdict.
"""

from ..lab.experiment import Experiment
from . import (
    align_then_memorise,
    biotorch,
    fixed_points,
    learned_feedback,
    li_benna,
    lillicrap_linear,
    poster,
    student_teacher,
    webster,
)

PAPERS = (
    poster,
    biotorch,
    webster,
    li_benna,
    student_teacher,
    align_then_memorise,
    lillicrap_linear,
    fixed_points,
    learned_feedback,
)
EXPERIMENTS: dict[str, Experiment] = {each.name: each for paper in PAPERS for each in paper.EXPERIMENTS}

__all__ = ["EXPERIMENTS"]
