"""Where jobs are done: a process that is lost, an executor of another kind, a worker on another machine."""

import os
import signal
import struct
import sys
import threading
import time
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import numpyfa as fa
from numpyfa.errors import Diverged, InputError, Stopped
from numpyfa.lab import cluster, folder, pool, progress, run, training
from numpyfa.lab.protocol import Protocol
from numpyfa.lab.sweep import product, sweeping
from numpyfa.papers import EXPERIMENTS

pytestmark = pytest.mark.usefixtures("unrendered")
STUDY = EXPERIMENTS["kolen-pollack"]
TINY = STUDY.settings | {
    "seeds": 1, "examples": 40, "epochs": 1,
    "cases": {name: case for name, case in STUDY.settings["cases"].items() if case[0] == "sgd"},
}  # fmt: skip


def square(number, folder):
    return number**2


def die_once(number, folder):
    """The square; but the first process that is to find that of 3 is killed."""
    mark = Path(folder) / "died"
    if number == 3 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.01)
    return number**2


def nine_waits_for_twenty(number, folder):
    mark, deadline = Path(folder) / "20", time.monotonic() + 30
    if number == 20:
        mark.touch()
    while number == 9 and not mark.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    return mark.exists()


def die_at_three(number, folder):
    if number == 3:
        time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGKILL)
    return number**2


def run_jobs(work, folder, executor=2, **more):
    """{number: its square} as `take` hears them, of 0..9."""
    found = {}
    pool.run_jobs(work, [(number, str(folder)) for number in range(10)], executor,
                  take=lambda job, result: found.update({job[0]: result}), **more)  # fmt: skip
    return found


def test_a_killed_process_costs_nothing_but_its_own_job_which_is_done_again(tmp_path):
    heard = []
    found = run_jobs(die_once, tmp_path, lost=lambda job, times: heard.append((job[0], times)))
    assert found == {number: number**2 for number in range(10)}
    assert heard == [(3, 1)]


def test_a_job_that_kills_3_processes_stops_the_run_by_its_name(tmp_path):
    with pytest.raises(Stopped, match=r"\(3, .*its process was killed 3 times"):
        run_jobs(die_at_three, tmp_path)


def die_while_it_tells(number, folder):
    """Half a message, in the way of all others; the process is killed after its result has been sent."""
    messages = pool.messages
    messages._wlock.acquire()
    os.write(messages._writer.fileno(), struct.pack("!i", 1000) + b"half")
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGKILL)).start()
    return number


def test_a_process_that_is_killed_while_it_tells_its_last_does_not_hold_up_the_end(tmp_path):
    found = []
    jobs = [(3, str(tmp_path))]
    take = {"take": lambda job, result: found.append(result)}
    running = threading.Thread(target=pool.run_jobs, args=(die_while_it_tells, jobs, 1), kwargs=take, daemon=True)
    running.start()
    running.join(timeout=30)
    assert found == [3] and not running.is_alive()


@pytest.mark.parametrize("executor", [1, 3, "threads"])
def test_jobs_that_a_result_calls_for_are_begun_before_the_others_have_ended(executor, tmp_path):
    """0 calls for 10, and that for 20, while 9 is still waiting or at work."""
    ended = {}
    if executor == 1:
        (tmp_path / "20").touch()  # 9 is done before 20 can be

    def take(job, result):
        ended[job[0]] = result
        return [(job[0] + 10, job[1])] if job[0] in (0, 10) else None

    def collect(executor):
        pool.run_jobs(nine_waits_for_twenty, [(number, str(tmp_path)) for number in (0, 1, 2, 9)], executor, take=take)

    if executor == "threads":
        with ThreadPoolExecutor(2) as threads:
            collect(threads)
    else:
        collect(executor)
    assert sorted(ended) == [0, 1, 2, 9, 10, 20]
    assert ended[9]


def test_any_executor_does_the_jobs_and_what_it_raises_is_heard(tmp_path):
    with ThreadPoolExecutor(2) as threads:
        assert run_jobs(square, tmp_path, threads) == {number: number**2 for number in range(10)}

    five_is_done = threading.Event()

    def diverge(number, folder):
        if number == 3:
            five_is_done.wait(timeout=30)
            time.sleep(0.2)
        if number == 5:
            five_is_done.set()
        if number in (3, 5):
            raise Diverged(f"{number} diverged")
        return number

    found = []
    with ThreadPoolExecutor(2) as threads, pytest.raises(Diverged, match="3 diverged; 5 diverged"):  # in their order
        pool.run_jobs(diverge, [(n, "") for n in range(8)], threads, take=lambda job, result: found.append(result))
    assert sorted(found) == [0, 1, 2, 4, 6, 7]


class KilledWorker(Exception):
    """Of the name that Dask gives a job whose workers were lost too often."""


class Failing(Executor):
    """Every job ends with this error."""

    def __init__(self, error):
        self.error = error

    def submit(self, work, *job):
        future = Future()
        future.cancel() if self.error is None else future.set_exception(self.error)
        if self.error is None:
            future.set_running_or_notify_cancel()
        return future


@pytest.mark.parametrize(
    "error, message",
    [
        (KilledWorker(), "again and again with SGD"),
        (BrokenProcessPool(), "^a worker was lost: go on with --resume$"),  # all its jobs fail: none is to blame
        (None, "has dropped its jobs"),
    ],
)
def test_an_executor_that_gives_up_stops_the_run_in_one_line(error, message, tmp_path):
    small = replace(STUDY, settings=TINY)
    with pytest.raises(Stopped, match=message) as stopped:
        run.run(small, TINY, tmp_path / "run", executor=Failing(error))
    assert "go on with --resume" in str(stopped.value)


class Here(Executor):
    """Each job is done as soon as it is submitted."""

    def submit(self, work, *job):
        future = Future()
        try:
            future.set_result(work(*job))
        except Exception as error:
            future.set_exception(error)
        return future


def test_a_run_in_another_executor_gives_the_bytes_of_one_in_processes(tmp_path):
    small = replace(STUDY, settings=TINY)
    run.run(small, TINY, tmp_path / "processes")
    run.run(small, TINY, tmp_path / "executor", executor=Here())
    a, b = ((tmp_path / name / "history.csv").read_bytes() for name in ("processes", "executor"))
    assert a == b


def net(tmp_path, mini, **more):
    """A training run of 2 jobs on 100 digits."""
    part = mini.part(100, 50)
    path = tmp_path / "digits.npz"
    np.savez(path, x_train=part.x_train, y_train=part.y_train, x_test=part.x_test, y_test=part.y_test)
    protocol = Protocol(net="784-5-10", rules=("bp", "fa"), data=str(path), epochs=2, seeds=1, **more)
    return training.training("small", protocol)


def test_a_worker_that_does_not_see_the_folder_sends_back_what_it_found(tmp_path, mini, monkeypatch):
    small = net(tmp_path, mini)
    run.run(small, small.settings, tmp_path / "seen", executor=Here())
    monkeypatch.setattr(run.Place, "is_seen", lambda place: False)
    monkeypatch.setattr(run.tempfile, "gettempdir", lambda: str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()
    run.run(small, small.settings, tmp_path / "unseen", executor=Here())
    a, b = ((tmp_path / name / "history.csv").read_bytes() for name in ("seen", "unseen"))
    assert a == b
    assert len(list((tmp_path / "unseen" / "parts").iterdir())) == 2
    assert not (tmp_path / "unseen" / "checkpoints").exists()
    assert len(list((tmp_path / "scratch").glob("numpyfa-*/checkpoints/*.npz"))) == 2
    run.run(small, small.settings, tmp_path / "again", executor=Here())
    assert len(list((tmp_path / "scratch").glob("numpyfa-*"))) == 2, "one run goes on with nothing of another's"


def test_a_folder_of_another_run_is_not_taken_for_the_runs_own(tmp_path, mini):
    small = net(tmp_path, mini)
    run.run(small, small.settings, tmp_path / "run", executor=Here())
    mark = folder.read_sealed(tmp_path / "run" / "protocol.json")["mark"]
    assert run.Place(tmp_path / "run", {}, ("fa", 0), mark).is_seen()
    assert not run.Place(tmp_path / "run", {}, ("fa", 0), "another").is_seen()
    assert not run.Place(tmp_path / "nowhere", {}, ("fa", 0), mark).is_seen()


@pytest.mark.parametrize("what, found", [("numpyfa", "0.0.1, source 12345678"), ("NumPy", "1.2.3")])
def test_a_worker_of_another_version_is_refused_by_name_with_both_versions(what, found, tmp_path, mini, monkeypatch):
    small, right = net(tmp_path, mini), run.versions()
    calls = iter([right])  # the parent's own; then the worker's
    monkeypatch.setattr(run, "versions", lambda: next(calls, right | {what: found}))
    with pytest.raises(InputError, match=rf"process {os.getpid()}, has {what} {found}, expected {right[what]}"):
        run.run(small, small.settings, tmp_path / "run", executor=Here())


def test_a_source_that_changes_is_said_on_resume_and_stops_a_process_that_starts_later(tmp_path, mini, monkeypatch):
    small, said = net(tmp_path, mini), Said()
    run.run(small, small.settings, tmp_path / "run", progress=said, executor=Here())
    before = run.source()
    monkeypatch.setattr(run, "source", lambda: "0badcafe")
    run.run(small, small.settings, tmp_path / "run", resume=True, progress=said, executor=Here())
    assert len(said.lines) == 1 and f"begun with source {before} (now 0badcafe)" in said.lines[0]
    monkeypatch.setattr(pool, "messages", object())
    with pytest.raises(Stopped, match="numpyfa was changed while the run went on, .* go on with --resume"):
        run.compare_versions({"numpyfa": f"{fa.__version__}, source {before}"})


def test_a_worker_with_other_data_is_refused(tmp_path, mini):
    small = net(tmp_path, mini)
    about = folder.identity(small, small.settings, small.check(small.settings))
    run.compare_data(small.check, small.settings, about)
    with pytest.raises(InputError, match="has another fingerprint .*, expected 123 as here"):
        run.compare_data(small.check, small.settings, about | {"fingerprint": "123"})


class Said(progress.Progress):
    def __init__(self):
        self.lines = []

    def say(self, line):
        self.lines.append(line)


def die_first(settings, *job):
    """The study's work; the first process that does its second case is killed."""
    mark = Path(settings["mark"])
    if job[0] == list(settings["cases"])[1] and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return STUDY.work(settings, *job)


def test_a_run_goes_on_when_a_process_is_killed_says_so_and_gives_the_same_bytes(tmp_path):
    settings, said = TINY | {"mark": str(tmp_path / "mark")}, Said()
    small = replace(STUDY, settings=settings, work=die_first)
    run.run(small, settings, tmp_path / "lost", progress=said)
    assert len(said.lines) == 1 and f"{list(settings['cases'])[1]} 0 is tried again" in said.lines[0]
    run.run(small, settings, tmp_path / "whole", progress=said)
    assert len(said.lines) == 1
    a, b = ((tmp_path / name / "history.csv").read_bytes() for name in ("lost", "whole"))
    assert a == b


def test_jobs_that_rows_call_for_are_done_and_a_resumed_run_finds_them(tmp_path):
    """Two counts of 1 call for two of 2, and these for nothing."""

    def more(settings, rows, job):
        both = all(rows.get(("count", 1, n)) for n in range(2))
        return [("count", 2, n) for n in range(2)] if job[1] == 1 and both else []

    def work(settings, what, step, n):
        done.append((step, n))
        return [{"step": step, "n": n, "value": float(step)}]

    done, asked = [], []
    each = replace(
        STUDY,
        name="count",
        settings={"seeds": 1},
        jobs=lambda settings: [("count", 1, n) for n in range(2)],
        work=work,
        more=more,
        cost=lambda settings, *job: asked.append(job) or 1.0,
        costs=lambda settings: asked.append("all") or 4.0,
        check=lambda settings: {},
        draw=lambda *_: None,
        table=lambda settings, rows: rows,
        verdict=lambda settings, table: [],
    )
    shares = []
    heard = progress.Progress()
    heard.at = lambda share, words=None: shares.append(share)
    assert len(run.run(each, each.settings, tmp_path / "run", progress=heard, executor=Here())["rows"]) == 4
    assert done == [(1, 0), (1, 1), (2, 0), (2, 1)] and shares == sorted(shares) and shares[-1] == 1
    assert 0.5 in shares
    assert asked.count("all") == 1 and len(asked) <= 1 + 2 * 4, "a report sums no costs anew: there are many of them"
    (tmp_path / "run" / "parts" / "job-count-2-1.json").unlink()
    run.run(each, each.settings, tmp_path / "run", resume=True, executor=Here())
    assert done[4:] == [(2, 1)]


def test_numpyfa_has_one_mark_of_its_source_a_version():
    found = run.versions()
    assert found["NumPy"] == np.__version__
    assert fa.__version__ in found["numpyfa"] and run.source() in found["numpyfa"]


# Dask


class KillOne(progress.Progress):
    """Kills one of the workers when the first job is done."""

    def __init__(self, pids):
        self.pids = pids
        self.killed = []

    def at(self, share, words=None):
        if words and not self.killed:
            self.killed.append(self.pids[0])
            os.kill(self.pids[0], signal.SIGKILL)


def small_sweep():
    protocol = Protocol(net="784-20-10", rules=("bp", "fa"), epochs=3, seeds=2, examples=1000, validation=300)
    return sweeping("small", protocol, product({"lr": [0.03, 0.1, 0.3]}), halving=3)


@pytest.mark.filterwarnings("default")
def test_of_2_dask_workers_one_is_killed_and_the_sweep_gives_the_bytes_of_the_process_pool(tmp_path):
    pytest.importorskip("distributed")
    each, began = small_sweep(), time.monotonic()
    with cluster.dask("local", workers=2) as executor:
        client = executor._client
        pids = list(client.run(os.getpid).values())
        kill = KillOne(pids)
        run.run(each, each.settings, tmp_path / "dask", progress=kill, executor=executor)
        assert kill.killed and len(pids) == 2
    assert time.monotonic() - began < 60
    run.run(each, each.settings, tmp_path / "processes")
    for name in ("history.csv", "parts"):
        a, b = (tmp_path / where / name for where in ("dask", "processes"))
        if name == "parts":
            assert len(list(a.iterdir())) == 2 * (3 + 1) + 2 * 2 == len(list(b.iterdir()))
        else:
            assert a.read_bytes() == b.read_bytes()


@pytest.mark.filterwarnings("default")
def test_no_scheduler_and_no_address_are_one_line_and_status_2(tmp_path, refused, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr(cluster, "PATIENCE", 1.0)
    words = ["reproduce", "kolen-pollack", "--quick", "--out", tmp_path / "run", "--dask"]
    assert "no Dask scheduler answers at tcp://127.0.0.1:9 (" in refused(*words, "tcp://127.0.0.1:9")
    assert "no Dask scheduler answers at tcp://127.0.0.1:99999" in refused(*words, "tcp://127.0.0.1:99999")
    for address in ("somewhere", "tcp://", "tcp://127.0.0.1", "tcp://127.0.0.1:abc", "ftp://127.0.0.1:1"):
        assert "--dask takes local or the address of a scheduler" in refused(*words, address)


def test_without_dask_its_option_says_how_to_get_it(tmp_path, refused, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    line = refused("reproduce", "kolen-pollack", "--quick", "--out", tmp_path / "run", "--dask", "local")
    assert "pip install 'numpyfa[cluster]'" in line
