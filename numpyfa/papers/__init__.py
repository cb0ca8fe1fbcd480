"""Published experiments by name: `numpyfa reproduce NAME`. How any of them is run is in `numpyfa.lab`.

A paper is a module, or a folder of three files where it is large: work (settings and jobs), figure and verdict.
"""

from ..lab.experiment import Experiment
from . import (
    akrout,
    akrout_cifar,
    align_then_memorise,
    biotorch,
    biotorch_cifar,
    crafton,
    fixed_points,
    frenkel,
    frenkel_cifar,
    frenkel_synthetic,
    imagenet,
    kunin,
    launay_bottleneck,
    learned_feedback,
    lee,
    li_benna,
    li_benna_cifar,
    li_benna_sparse,
    lillicrap_linear,
    lillicrap_mnist,
    lillicrap_task3,
    nokland,
    nokland_cifar,
    nokland_frozen,
    ororbia,
    poster,
    refinetti_labels,
    student_teacher,
    webster,
    webster_cifar,
)

PAPERS = (
    poster,
    lillicrap_linear,
    lillicrap_mnist,
    lillicrap_task3,
    nokland,
    nokland_frozen,
    frenkel,
    frenkel_synthetic,
    crafton,
    akrout,
    kunin,
    li_benna,
    li_benna_sparse,
    webster,
    lee,
    ororbia,
    biotorch,
    student_teacher,
    align_then_memorise,
    refinetti_labels,
    launay_bottleneck,
    fixed_points,
    learned_feedback,
    nokland_cifar,
    frenkel_cifar,
    akrout_cifar,
    li_benna_cifar,
    webster_cifar,
    biotorch_cifar,
    imagenet,
)
EXPERIMENTS: dict[str, Experiment] = {each.name: each for paper in PAPERS for each in paper.EXPERIMENTS}

__all__ = ["EXPERIMENTS"]
