"""The theory, in the papers' letters and in float64. It imports nothing of the network code: an independent witness."""

from .student_teacher import Overlaps, generalisation_error, integrate, matching_weights, simulate

__all__ = ["Overlaps", "generalisation_error", "integrate", "matching_weights", "simulate"]
