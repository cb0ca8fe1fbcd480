"""The exercises, a file for each notebook: the solutions, the wrong answers known by name, and the hints."""

from types import ModuleType

from ..exercise import Exercise
from . import (
    align_then_memorise,
    backpropagation,
    convolutions,
    fair_comparison,
    feedback_alignment,
    find_the_bug,
    fixed_points,
    learned_feedback,
    linear_task,
    numpy_and_cupy,
    own_rule,
    residual_nets,
    straight,
    student_and_teacher,
    why_it_aligns,
)

CHAPTERS: dict[str, ModuleType] = {
    "01_backpropagation": backpropagation,
    "02_feedback_alignment": feedback_alignment,
    "03_why_it_aligns": why_it_aligns,
    "03a_student_and_teacher": student_and_teacher,
    "03b_align_then_memorise": align_then_memorise,
    "03c_lillicraps_linear_task": linear_task,
    "04_straight_from_the_output": straight,
    "05_feedback_that_learns": learned_feedback,
    "06_convolutions": convolutions,
    "07_residual_nets_and_batch_norm": residual_nets,
    "08_fixed_points": fixed_points,
    "09_a_rule_of_your_own": own_rule,
    "10_find_the_bug": find_the_bug,
    "11_a_fair_comparison": fair_comparison,
    "12_numpy_and_cupy": numpy_and_cupy,
}  # the notebook, and the file of its exercises


def exercises_of(chapter: ModuleType) -> list[Exercise]:
    """The exercises of a file, in its order."""
    return [each for each in vars(chapter).values() if isinstance(each, Exercise)]


EXERCISES: dict[str, Exercise] = {each.name: each for chapter in CHAPTERS.values() for each in exercises_of(chapter)}
