"""The exercises of the course: each solution is right, and each wrong answer is told by its own name."""

import itertools
import math
import sys
import threading
from dataclasses import dataclass

import numpy as np
import pytest

import numpyfa as fa
from numpyfa.course import EXERCISES, mark
from numpyfa.course.comparing import same
from numpyfa.course.exercise import Identity
from numpyfa.course.exercises import CHAPTERS, exercises_of
from numpyfa.course.running import CASES, arguments_of, outcomes

# What an answer can be wrong in without being known to its exercise.
GENERAL = {"changes its arguments", "error", "factor", "form", "sign", "not divided", "divided twice", "one example"}
WRONGS = [(name, known) for name, each in EXERCISES.items() for known in each.wrongs]


def test_no_two_exercises_share_a_name_and_each_has_two_hints_and_three_wrong_answers_or_more():
    everything = [each for chapter in CHAPTERS.values() for each in exercises_of(chapter)]
    assert len(everything) == len(EXERCISES)
    for each in everything:
        assert len(each.hints) >= 2 and len(each.wrongs) >= 3, each.name
        for known, wrong in each.wrongs.items():
            assert wrong.words or known in GENERAL, f"{each.name}: {known} has no words"


@pytest.mark.parametrize("name", EXERCISES)
def test_a_solution_is_right_and_obeys_its_identity_to_1e_5(name):
    exercise = EXERCISES[name]
    found = mark(name, exercise.solution)
    assert found.right, found
    if exercise.identity:
        figures = [exercise.identity.figure(exercise.solution, *arguments_of(exercise, c)) for c in range(len(CASES))]
        assert max(figures) < 1e-5


@pytest.mark.parametrize("name", [name for name, each in EXERCISES.items() if each.identity])
def test_an_identity_is_broken_by_a_wrong_answer(name):
    """It proves the answer without the solution, so it must tell a wrong one."""
    exercise = EXERCISES[name]
    broken = 0
    for wrong in exercise.wrongs.values():
        for case in range(len(CASES)):
            try:
                broken += not exercise.identity.figure(wrong.answer, *arguments_of(exercise, case)) < 1e-4
            except Exception:  # of another shape
                broken += 1
    assert broken


@pytest.mark.parametrize("name, known", WRONGS)
def test_a_wrong_answer_is_told_by_its_own_name(name, known):
    found = mark(name, EXERCISES[name].wrongs[known].answer)
    assert not found.right and found.mistake == known, found
    assert found.working is EXERCISES[name].solution


@pytest.mark.parametrize("name", EXERCISES)
def test_no_two_wrong_answers_of_an_exercise_do_the_same(name):
    exercise = EXERCISES[name]
    made = {known: outcomes(exercise, wrong.answer) for known, wrong in exercise.wrongs.items()}
    for one, other in itertools.combinations(made, 2):
        changed = [each.changed for several in (made[one], made[other]) for each in several]
        assert any(changed) or not same(made[one], made[other], exercise.tolerance), f"{one} and {other}"


@pytest.mark.parametrize("name", EXERCISES)
@pytest.mark.parametrize("answer", [None, ..., 3.5, "x", [1], {}, len, dict, lambda: None, lambda *a: None,
                                    lambda *a: np.nan, lambda *a: 1 / 0, lambda *a: a, np.array("x")])  # fmt: skip
def test_nonsense_gets_words_and_no_traceback(name, answer):
    found = mark(name, answer)
    assert not found.right and found.words and found.mistake and "\n" not in found.words


# -- Whatever an answer returns or raises, it gets words -------------------------------------------------------------


def generator(*arguments):
    yield 1


class Unsayable(Exception):
    def __str__(self):
        return 1 / 0


def raising(error):
    def answer(*arguments):
        raise error

    return answer


def itself(*arguments):
    found = []
    found.append(found)
    return found


@pytest.mark.parametrize("name", ["fa.delta", "fa.shapes", "direct.at_once", "backprop.slope"])
@pytest.mark.parametrize("answer", [generator, itself, lambda *a: sys, lambda *a: threading.Lock(),
                                    lambda *a: sys.__stderr__, lambda *a: (np.zeros(3), (x for x in a)),
                                    raising(Unsayable()), raising(SystemExit(3)), lambda *a: sys.exit("enough"),
                                    lambda *a: {1: {2}}, lambda *a: [[1, 2], [3]]])  # fmt: skip
def test_no_answer_ends_in_a_traceback(name, answer):
    found = mark(name, answer)
    assert not found.right and found.words and "\n" not in found.words and len(found.words) < 500


def test_a_generator_is_told_to_be_a_list():
    found = mark("direct.delta", generator)
    assert found.mistake == "form" and "this is a generator: return a list, [... for ...]" in found.words


def test_an_error_is_told_in_one_line_of_200_letters_with_the_line_in_the_students_function():
    def delta(delta_above, B, z):
        e = delta_above @ B
        raise AssertionError
        return e

    assert "it stops with AssertionError in line 3 of your function, for N = 1" in mark("fa.delta", delta).words
    words = mark("fa.delta", raising(ValueError("first\nsecond"))).words
    assert "ValueError: first in line 2 of your function, for" in words and "second" not in words
    assert "y" * 190 in (words := mark("fa.delta", raising(ValueError("y" * 3000))).words) and len(words) < 400


def test_an_error_in_a_class_is_told_with_its_method():
    @dataclass
    class BinaryDFA(fa.DirectRule):
        c: float = 0.1

        def init_feedback(self, layer):
            return {"B": self.c * np.sign(self.draw(layer, (self.net.size_out, layer.size_out), "normal"))}

        def project(self, layer, own, trace, output):
            return output.errors @ own["B"]

    assert " in line 2 of project" in mark("own.project", BinaryDFA).words


def test_what_is_not_finished_in_one_draw_alone_is_said_to_be_so():
    def delta(delta_above, B, z):
        if len(z) > 1:
            raise NotImplementedError
        return EXERCISES["fa.delta"].solution(delta_above, B, z)

    found = mark("fa.delta", delta)
    assert found.mistake == "nothing yet"
    assert found.words == "what you wrote is not finished: it raises NotImplementedError"


def test_a_print_is_seen_1_time_and_not_12(capsys):
    def delta(delta_above, B, z):
        print("z is", z.shape)
        return EXERCISES["fa.delta"].solution(delta_above, B, z)

    assert mark("fa.delta", delta).right
    assert capsys.readouterr().out.count("z is") == 1


# -- Numbers that are right in another form --------------------------------------------------------------------------


def test_complex_numbers_are_not_right_and_a_complex_0_is():
    solution = EXERCISES["fa.delta"].solution
    found = mark("fa.delta", lambda *a: solution(*a) + 1j)
    assert found.mistake == "form" and "expected real numbers, found complex ones: take .real" in found.words
    assert mark("fa.delta", lambda *a: solution(*a) + 0j).right


def test_whole_numbers_of_numpy_are_numbers():
    for name, kind in (("fa.shapes", np.int64), ("direct.shapes", np.int32), ("direct.shapes", np.array)):
        solution = EXERCISES[name].solution
        assert mark(name, lambda sizes, solution=solution, kind=kind: solution([kind(each) for each in sizes])).right
    assert mark("direct.waits", lambda layer, L: tuple(map(np.int64, (L + (L - layer), L + 1, layer)))).right
    assert mark("fair.spread", lambda errors: (np.array(errors.mean()), np.float64(errors.std(ddof=1)))).right


def test_a_list_of_rows_is_told_to_become_an_array():
    found = mark("fa.delta", lambda *a: [list(row) for row in EXERCISES["fa.delta"].solution(*a)])
    assert found.mistake == "form"
    assert "the numbers are in a list: make it an array, np.array(...)" in found.words
    found = mark("backprop.gradients", lambda x, delta: ([list(row) for row in x.T @ delta], delta.mean(axis=0)))
    assert "the numbers of part 0 are in a list" in found.words
    assert "expected an array of shape (1, " in (words := mark("direct.delta", lambda error, B, z: [0] * len(B)).words)
    assert " of part 0, found 0, for N = 1" in words
    found = mark("fa.delta", lambda *a: [[1.0], [2.0, 3.0]])
    assert "expected an array of shape (1, 1" in found.words and "found a list of 2" in found.words


@pytest.mark.parametrize("kind", [np.float16, np.float32])
def test_what_is_right_in_16_or_32_bits_is_right_but_for_rounding(kind):
    found = mark("fa.delta", lambda *a: (EXERCISES["fa.delta"].solution(*a) * (1 + 1e-6)).astype(kind))
    assert found.mistake == "rounding"
    assert found.words == f"right but for rounding: this is {np.dtype(kind)}, compute in float64"
    assert mark("fa.delta", lambda *a: -EXERCISES["fa.delta"].solution(*a).astype(kind)).mistake == "sign"
    assert mark("fa.delta", lambda delta_above, B, z: (delta_above @ B).astype(kind)).mistake == "no slope"


def test_n_times_too_much_or_too_little_is_said_as_it_is():
    """In an exercise where nothing is divided by N, to divide once is not to divide twice."""
    solution = EXERCISES["bug.softmax"].solution
    assert mark("bug.softmax", lambda e, p: solution(e, p) / len(p)).words == (
        "this is 1/N of what is due, N being the number of examples: divided by N once too often"
    )
    assert mark("bug.softmax", lambda e, p: solution(e, p) * len(p)).words == (
        "this is N times what is due, N being the number of examples: not divided by N, or multiplied by it"
    )


def test_an_identity_that_raises_or_is_off_by_more_than_1e_4_is_left_out_and_one_of_1e_9_is_told(monkeypatch):
    exercise = EXERCISES["fa.delta"]
    for figure, words in ((lambda *a: 1 / 0, ""), (lambda *a: 2e-4, ""), (lambda *a: math.nan, ""),
                          (lambda *a: 1e-9, "; the law, to within 1e-09")):  # fmt: skip
        monkeypatch.setattr(exercise, "identity", Identity("the law", figure))
        found = mark("fa.delta", exercise.solution)
        assert found.right and found.words == f"right: over 6 draws it equals ours{words}"


# -- Answers as students write them ----------------------------------------------------------------------------------


def returns_B(rule):
    found, product = {}, rule.net.last.W.T
    for number in sorted(rule.feedback, reverse=True):
        found[number] = product
        product = product @ rule.net[number].W.T
    return found


def binary_dfa(init=lambda self, shape, B: {"B": B}, project=lambda self, own, output: output.error @ own["B"]):
    """A student's BinaryDFA with one method replaced."""

    @dataclass
    class BinaryDFA(fa.DirectRule):
        c: float = 0.1

        def init_feedback(self, layer):
            shape = (self.net.size_out, layer.size_out)
            return init(self, shape, self.c * np.sign(self.draw(layer, shape, "normal")))

        def project(self, layer, own, trace, output):
            return project(self, own, output)

    return BinaryDFA


def at_once_with(f, slope):
    """direct.at_once with another activation."""

    def at_once(W, B, x, target, lr):
        h, learned = x, []
        for W_l, B_l in zip(W, B):
            z = h @ W_l
            learned.append(W_l - lr * h.T @ ((target @ B_l) * slope(z)) / len(x))
            h = f(z)
        return learned, h

    return at_once


def clipped(z, y, low=-500, high=500):
    p = np.exp(np.clip(z, low, high))
    return p / p.sum(axis=1, keepdims=True) - y


def each_cosine(a, b):
    return (a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


def of_the_difference(rule, traces, output, largest):
    mine, true = rule.gradients(traces, output), fa.BP(rule.net).gradients(traces, output)
    return max(largest(true[name] - mine[name]) for name in true)


def kp_with(step_W, step_B):
    """learn.kp with a step of one's own: each is a function of the weight, its gradient, lr and decay."""

    def kp(W, B, h, delta, lr, decay):
        dW = h.T @ delta / len(h)
        return step_W(W, dW, lr, decay), step_B(B, dW.T, lr, decay)

    return kp


def down(w, dw, lr, decay):
    return w - lr * (dw + decay * w)


def growing(w, dw, lr, decay):
    return w - lr * dw + lr * decay * w


def apart_from_decay(w, dw, lr, decay):
    return (1 - lr * decay) * (w - lr * dw)


AS_WRITTEN = [
    ("own.check", lambda *a: of_the_difference(*a, np.max), "no absolute value, other order"),
    ("own.make_bp", returns_B, "returned"),
    ("own.make_bp", lambda rule: list(returns_B(rule).values()), "returned"),
    ("own.project", binary_dfa(init=lambda self, shape, B: {"B": np.full(shape, self.c)}), "not random"),
    ("own.project", binary_dfa(init=lambda self, shape, B: B), "not a dictionary"),
    ("own.project", binary_dfa(project=lambda self, own, output: -output.error @ own["B"]), "minus e"),
    ("backprop.output", clipped, "clipped"),
    ("backprop.output", lambda z, y: clipped(z, y, -50, 50), "clipped"),
    ("backprop.slope", lambda z, activation: 1 - np.tanh(z) ** 2, "tanh for all"),
    ("backprop.delta", lambda d, W, z: d @ W.T * 1 - np.tanh(z) ** 2, "a bracket"),
    ("backprop.delta", lambda d, W, z: d @ W.T / len(z), "no slope, averaged"),
    ("fa.delta", lambda d, B, z: d @ B * 1 - np.tanh(z) ** 2, "a bracket"),
    ("fa.delta", lambda d, B, z: d @ B / len(z), "no slope, averaged"),
    ("direct.delta", lambda d, B, z: [d @ M * 1 - np.tanh(y) ** 2 for M, y in zip(B, z)], "a bracket"),
    ("backprop.gradients", lambda x, d: (x.T @ d / len(x) ** 2, d.mean(axis=0)), "dW averaged twice"),
    ("fa.angle", lambda a, b: np.radians(np.arccos(each_cosine(a, b))).mean(), "radians for degrees"),
    ("fa.angle", lambda a, b: np.arccos(np.radians(each_cosine(a, b))).mean(), "radians of the cosine"),
    ("fa.angle", lambda a, b: np.arccos(each_cosine(a, b).mean()), "angle of the mean, in radians"),
    ("memorise.copy", lambda Q, R, v, F: [np.diag(np.sign(v)) @ Q * np.sign(v), np.diag(np.sign(v)) @ R, abs(v)],
     "sign of v alone"),
    ("why.invariant", lambda W_1, W_2, B: (B @ W_2 + (B @ W_2).T) / 2 - W_1 @ W_1.T, "half"),
    ("why.cosine", lambda W_1, W_2, B: np.trace(B @ W_2) / np.linalg.norm(B) / np.linalg.norm(W_2), "the definition"),
    ("why.cosine", lambda W_1, W_2, B: (B * W_2.T).sum() / np.sqrt((B**2).sum() * (W_2**2).sum()), "the definition"),
    ("stable.acute", lambda S: abs(np.linalg.eigvalsh((S + S.T) / 2)).min(), "modulus"),
    ("learn.gap", lambda W0, B0, W, lr, decay, t: W.T + (1 - lr * decay) ** (t - 1) * (B0 - W0.T), "a step too few"),
    ("learn.kp", kp_with(growing, growing), "growth"),
    ("learn.kp", kp_with(down, growing), "B grows"),
    ("learn.kp", kp_with(apart_from_decay, apart_from_decay), "decay after the step"),
    ("learn.kp", lambda W, B, h, d, lr, decay: (W - lr * (h.T @ d / len(h) + decay * W),
                                                B - lr * (d.T @ h / len(h) + decay * W.T)), "decay of W"),
    ("bug.kp", lambda W, B, dW, lr, decay: (down(W, dW, lr, decay), growing(B, dW.T, lr, decay)), "B grows"),
    ("direct.at_once", at_once_with(lambda z: np.maximum(z, 0), lambda z: z > 0), "ReLU"),
    ("direct.at_once", at_once_with(lambda z: z, np.ones_like), "linear"),
]  # fmt: skip


@pytest.mark.parametrize("name, answer, known", AS_WRITTEN, ids=[f"{name}: {known}" for name, _, known in AS_WRITTEN])
def test_an_answer_as_a_student_writes_it_is_told_by_name(name, answer, known):
    found = mark(name, answer)
    assert not found.right and found.mistake == known, found
