"""Published experiments by name: `numpyfa reproduce NAME`. How any of them is run is in `numpyfa.lab`.

A paper is a module, or a folder of three files where it is large: work (settings and jobs), figure and verdict.
"""

from ..lab.experiment import Experiment
from . import (
    akrout,
    align_then_memorise,
    biotorch,
    crafton,
    fixed_points,
    frenkel,
    kunin,
    learned_feedback,
    lee,
    li_benna,
    lillicrap_linear,
    lillicrap_mnist,
    nokland,
    ororbia,
    poster,
    student_teacher,
    webster,
)

PAPERS = (
    poster,
    lillicrap_linear,
    lillicrap_mnist,
    nokland,
    frenkel,
    crafton,
    akrout,
    kunin,
    li_benna,
    webster,
    lee,
    ororbia,
    biotorch,
    student_teacher,
    align_then_memorise,
    fixed_points,
    learned_feedback,
)
EXPERIMENTS: dict[str, Experiment] = {each.name: each for paper in PAPERS for each in paper.EXPERIMENTS}

__all__ = ["EXPERIMENTS"]
