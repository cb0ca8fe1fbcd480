"""`numpyfa course` writes a folder that is whole or not there, and otter-grader can use its masters."""

import functools
import json
import subprocess
import sys

import numpy as np
import pytest

from numpyfa.cli import main
from numpyfa.course import EXERCISES, check, write
from numpyfa.course.exercises import CHAPTERS
from numpyfa.course.otter import as_assignment


def test_the_command_writes_a_notebook_for_each_chapter_and_the_plan_and_no_solution(tmp_path, capsys):
    folder = tmp_path / "deep" / "here"
    assert main(["course", str(folder)]) == 0
    names = {path.name for path in folder.iterdir()}
    assert names == {f"{name}.ipynb" for name in ["00_plain", *CHAPTERS]} | {"plan.md"}
    text = "".join(path.read_text(encoding="utf-8") for path in folder.iterdir())
    assert "BEGIN SOLUTION" not in text and "colab-badge" not in text and 'find_spec(\\"numpyfa\\")' in text
    assert f"wrote {folder}" in capsys.readouterr().out
    assert list(folder.parent.iterdir()) == [folder], "no temporary folder is left"


def test_solutions_and_answers_come_on_request(tmp_path):
    assert main(["course", str(tmp_path / "here"), "--solutions"]) == 0
    solved = tmp_path / "here" / "solutions"
    assert {path.stem for path in solved.iterdir()} == {"00_plain", *CHAPTERS}
    answers = (tmp_path / "here" / "answers.md").read_text(encoding="utf-8")
    assert all(f"\n# {name[:2]}" in answers for name in CHAPTERS)


def test_an_empty_folder_may_be_filled_and_a_full_one_is_left_alone(tmp_path, capsys):
    folder = tmp_path / "here"
    folder.mkdir()
    assert main(["course", str(folder)]) == 0
    (folder / "00_plain.ipynb").write_text("a student's work")
    assert main(["course", str(folder)]) == 2
    assert (folder / "00_plain.ipynb").read_text() == "a student's work"
    error = capsys.readouterr().err
    assert "exists already: name a new folder" in error and error.count("\n") == 1


@pytest.mark.parametrize("name, words", [("file/inside", "cannot write into"), ("", "empty")])
def test_a_folder_that_cannot_be_made_is_one_line_and_status_2(tmp_path, monkeypatch, capsys, name, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    assert main(["course", name]) == 2
    error = capsys.readouterr().err
    assert words in error and error.count("\n") == 1


def test_what_fails_half_way_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(write, "answers", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write.write(tmp_path / "here", solutions=True)
    assert list(tmp_path.iterdir()) == []


# -- Progress and hints ----------------------------------------------------------------------------------------------


@pytest.fixture
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NUMPYFA_PROGRESS", raising=False)
    monkeypatch.setattr(check.kept, "tried", {})
    monkeypatch.setattr(check, "hinted", {})
    return tmp_path


def own_delta(delta_above, B, z):
    return (delta_above @ B) * (1 - np.tanh(z) ** 2)


def test_our_own_answer_is_not_the_students_and_is_not_recorded(in_an_empty_folder, capsys):
    """After a wrong try `delta` is ours, so that the notebook can go on with it."""
    delta = check("fa.delta", EXERCISES["fa.delta"].wrongs["no slope"].answer).working
    capsys.readouterr()
    found = check("fa.delta", delta)
    assert not found.right and found.mistake == "ours"
    printed = capsys.readouterr().out
    assert printed == ("fa.delta: this is our answer, with which the notebook goes on: run the cell that has yours\n")
    assert json.loads((in_an_empty_folder / "course-progress.json").read_text()) == {"fa.delta": False}
    assert check("fa.delta", own_delta).right and check("fa.delta", check("fa.delta", own_delta).working).right
    assert json.loads((in_an_empty_folder / "course-progress.json").read_text()) == {"fa.delta": True}


def test_progress_is_kept_in_the_folder_and_a_right_answer_stays_right(in_an_empty_folder, capsys):
    name = "fa.delta"
    wrong = EXERCISES[name].wrongs["no slope"].answer
    check(name, None)
    assert not (in_an_empty_folder / "course-progress.json").exists(), "a blank is no try"
    check(name, wrong)
    check(name, own_delta)
    check(name, wrong)
    check.kept.tried.clear()  # as another notebook would find it
    capsys.readouterr()
    check.progress()
    printed = capsys.readouterr().out
    assert "02_feedback_alignment" in printed and f"1 of {len(EXERCISES)} exercises" in printed
    assert json.loads((in_an_empty_folder / "course-progress.json").read_text()) == {name: True}


@pytest.mark.parametrize("content", [b"", b"[1]", b"\xff\xfe", b'{"fa.delta": 3', b"3"])
def test_a_damaged_progress_file_is_told_and_left_as_it_is(in_an_empty_folder, capsys, content):
    (in_an_empty_folder / "course-progress.json").write_bytes(content)
    check("fa.delta", own_delta)
    assert "course-progress.json cannot be read: delete it" in capsys.readouterr().out
    check.progress()
    assert f"1 of {len(EXERCISES)} exercises" in capsys.readouterr().out
    assert (in_an_empty_folder / "course-progress.json").read_bytes() == content


def test_hints_come_one_by_one_and_begin_again_after_the_last(in_an_empty_folder, capsys):
    hints = EXERCISES["fa.delta"].hints
    for _ in range(len(hints) + 1):
        check.hint("fa.delta")
    printed = capsys.readouterr().out.splitlines()
    assert [line.partition(": ")[2] for line in printed] == [*hints, hints[0]]


def test_a_wrong_answer_is_said_in_one_line_with_a_way_to_a_hint(in_an_empty_folder, capsys):
    found = check("fa.delta", EXERCISES["fa.delta"].wrongs["no slope"].answer)
    assert found.mistake == "no slope"
    assert capsys.readouterr().out == (
        "fa.delta: your delta lacks the slope f'(z): what you return is e, at h and not yet at z.  "
        '(check.hint("fa.delta") gives a hint)\n'
    )


def test_an_unknown_exercise_suggests_the_nearest(in_an_empty_folder):
    with pytest.raises(ValueError, match="did you mean 'fa.delta'"):
        check("fa.delat", None)


# -- Otter -----------------------------------------------------------------------------------------------------------


def test_each_exercise_becomes_a_question_with_a_test_that_asks_for_our_mark():
    for name, text in write.notebooks("solutions").items():
        asked = [each for each in EXERCISES if f'check("{each}"' in text.replace('\\"', '"')]
        master = as_assignment(text, name)
        assert bool(master) == bool(asked)
        assert master.count("# BEGIN QUESTION") == master.count("# BEGIN TESTS") == len(asked)
        for each in asked:
            assert f'mark(\\"{each}\\", {each.replace(".", "_")}_answer)\\n\\nassert found.right, found.words' in master


@pytest.mark.otter
def test_otter_strips_the_solutions_and_gives_1_of_5_points_for_1_right_answer_a_wrong_one_and_3_blanks(tmp_path):
    pytest.importorskip("otter", reason="pip install otter-grader")
    assert main(["course", str(tmp_path / "here"), "--otter"]) == 0
    master = tmp_path / "here" / "otter" / "02_feedback_alignment.ipynb"
    run = functools.partial(subprocess.run, check=True, capture_output=True, cwd=tmp_path)
    run([sys.executable, "-m", "otter", "assign", str(master), "out"])
    student = (tmp_path / "out" / "student" / master.name).read_text(encoding="utf-8")
    assert "BEGIN SOLUTION" not in student and "return (delta_above @ B)" not in student
    book = json.loads(student)
    for cell in book["cells"]:
        cell["source"] = "".join(cell["source"])
        for opening, answer in (
            ("def delta(", "return (delta_above @ B) * (1 - np.tanh(z) ** 2)"),
            ("def angle(", "return 3"),
        ):
            if cell["source"].startswith(opening):
                assert "\n    ..." in cell["source"]
                cell["source"] = cell["source"].replace("...", answer)
    (tmp_path / "submission.ipynb").write_text(json.dumps(book), encoding="utf-8")
    (tmp_path / "result").mkdir()
    grader = next((tmp_path / "out" / "autograder").glob("*.zip"))
    run([sys.executable, "-m", "otter", "run", "submission.ipynb", "-a", str(grader), "-o", "result"])
    scores = {
        test["name"]: test.get("score")
        for test in json.loads((tmp_path / "result" / "results.json").read_text())["tests"]
    }
    assert scores["fa_delta"] == 1
    assert all(scores[name] == 0 for name in ("fa_angle", "fa_shapes", "fa_step", "fa_weight_angle"))
