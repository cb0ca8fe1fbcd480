"""The benchmarks' own machinery: a result is whole or not there, a run goes on, and a page says what the file says."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import numpyfa as fa

ROOT = Path(__file__).parents[1]


def script(folder, name):
    spec = importlib.util.spec_from_file_location(f"{folder}_{name}", ROOT / folder / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def worker():
    return script("benchmarks", "worker")


@pytest.fixture
def benchmark(monkeypatch):
    """A script of benchmarks/ by its name."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return lambda name: script("benchmarks", name)


def options(path, only="", quick=False):
    return SimpleNamespace(out=path, only=re.compile(only), quick=quick)


def rows_in(path):
    return {row["what"]: row["ms"] for row in json.loads(path.read_text())["rows"]}


def test_a_run_that_stopped_after_one_of_two_rows_measures_only_the_second(worker, tmp_path):
    path = tmp_path / "x.json"
    worker.Results(options(path)).add({"what": "a", "ms": 1})
    assert not path.exists() and rows_in(tmp_path / "x.json.part") == {"a": 1}
    again = worker.Results(options(path))
    assert [again.wants(what) for what in ("a", "b")] == [False, True]
    again.add({"what": "b", "ms": 2})
    again.finish()
    assert rows_in(path) == {"a": 1, "b": 2} and sorted(p.name for p in tmp_path.iterdir()) == ["x.json"]


def test_only_replaces_its_rows_and_keeps_the_others(worker, tmp_path):
    for only, ms in (("", 1), ("b", 2)):
        results = worker.Results(options(tmp_path / "x.json", only))
        for what in ("a", "b"):
            if results.wants(what):
                results.add({"what": what, "ms": ms})
        results.finish()
    assert rows_in(tmp_path / "x.json") == {"a": 1, "b": 2}


def test_rows_of_a_quick_trial_do_not_get_into_a_file_of_full_turns(worker, tmp_path):
    results = worker.Results(options(tmp_path / "x.json"))
    results.add({"what": "a", "ms": 1})
    results.finish()
    with pytest.raises(fa.InputError, match="quick differ"):
        worker.Results(options(tmp_path / "x.json", "a", quick=True))
    assert rows_in(tmp_path / "x.json") == {"a": 1}


def test_rows_of_other_code_do_not_get_into_a_file_or_a_run_that_goes_on(worker, tmp_path, monkeypatch):
    path = tmp_path / "x.json"
    worker.Results(options(path)).add({"what": "a", "ms": 1})
    monkeypatch.setattr(worker, "code", lambda: "another")
    with pytest.raises(fa.InputError, match=re.escape("x.json.part was made otherwise (code differ)")):
        worker.Results(options(path))


def test_the_hash_of_the_code_changes_with_a_byte_of_it(worker, tmp_path, monkeypatch):
    (tmp_path / "rules").mkdir()
    for name in ("__init__.py", "rules/fa.py"):
        (tmp_path / name).write_text("x = 1\n")
    monkeypatch.setattr(fa, "__file__", str(tmp_path / "__init__.py"))
    before = worker.code()
    assert re.fullmatch("[0-9a-f]{12}", before) and worker.code() == before
    (tmp_path / "rules" / "fa.py").write_text("x = 2\n")
    assert worker.code() != before


class Clock:
    """A worker whose step takes so many seconds in each turn."""

    def __init__(self, *seconds):
        self.turns = [seconds[0], *seconds]  # the first is asked for to see how many fill a turn

    def ask(self, times, *request):
        return {"seconds": times * self.turns.pop(0)}


def test_a_ratio_is_the_median_of_the_turns_ratios_and_not_the_ratio_of_medians(worker):
    turns = SimpleNamespace(turns=3, turn=1)
    ours, theirs = Clock(1, 2, 9), Clock(4, 2, 3)  # ratios 1/4, 1, 3; medians 2 and 3
    row = worker.compare(turns, {"numpyfa": ours, "torch": theirs}, {"numpyfa": (), "torch": ()})
    assert row["ratio"] == {"torch": 1.0} and row["milliseconds"] == {"numpyfa": 2000, "torch": 3000}


def test_a_peer_that_fails_is_left_out_with_its_reason(worker):
    class Missing:
        def ask(self, *request):
            raise worker.PeerError("ImportError: No module named 'jax'")

    turns = SimpleNamespace(turns=1, turn=1)
    row = worker.compare(turns, {"numpyfa": Clock(1, 1), "jax": Missing()}, {"numpyfa": (), "jax": ()})
    assert row["missing"] == {"jax": "ImportError: No module named 'jax'"} and list(row["seconds"]) == ["numpyfa"]


def test_a_peer_that_fails_in_the_second_turn_is_left_out_and_the_others_go_on(worker):
    class Ends(Clock):
        def ask(self, *request):
            if len(self.turns) == 1:
                raise worker.PeerError("the process ended with -9")
            return super().ask(*request)

    def row(**workers):
        return worker.compare(SimpleNamespace(turns=2, turn=1), workers, dict.fromkeys(workers, ()))

    found = row(numpyfa=Clock(1, 1), compile=Ends(1, 1), torch=Clock(2, 2))
    assert found["missing"] == {"compile": "the process ended with -9"} and found["ratio"] == {"torch": 0.5}
    assert {name: len(seconds) for name, seconds in found["seconds"].items()} == {"numpyfa": 2, "torch": 2}
    with pytest.raises(SystemExit, match="numpyfa failed: the process ended with -9"):
        row(numpyfa=Ends(1, 1), torch=Clock(1, 1))


def test_the_first_of_a_turn_is_the_last_of_the_next(worker):
    asked = []

    class Told(Clock):
        def ask(self, *request):
            asked.append(request[-1])
            return super().ask(*request)

    names = ("numpyfa", "torch", "jax")
    workers = {name: Told(1, 1, 1) for name in names}
    worker.compare(SimpleNamespace(turns=3, turn=1), workers, {name: (name[0],) for name in names})
    assert "".join(asked) == "ntj" + "ntj" + "tjn" + "jnt", "the first three ask how many fill a turn"


@pytest.mark.parametrize("times", [1, 117, 118, 300])  # an epoch has 117 whole batches of 512
def test_a_turn_runs_as_many_batches_as_it_is_divided_by(benchmark, times):
    counts = []

    def run(rule, batch_size, batches):
        return lambda: counts.append([len(batches), *{len(batch) for batch in batches}])

    benchmark("mlp").with_batches(run)(times, "bp", 512)()
    assert counts == [[3, 512], [times, 512]], "three to warm up, then those that are timed"


@pytest.mark.parametrize("other, found", [([2, 4.002], 5e-4), ([float("nan"), 4], None), ([2, float("inf")], None)])
def test_parity_passes_over_nothing_that_is_not_a_number(benchmark, other, found):
    import numpy as np

    host = {"W": np.array([2.0, 4.0]), "b": np.array([1.0]), "B": np.zeros(2)}
    for name in ("W", "b"):  # wherever it stands
        changed = host | {name: np.array(other) * (1 if name == "W" else 0.25)}
        worst = benchmark("parity").difference(host | {name: host["W"] * (1 if name == "W" else 0.25)}, changed)
        assert worst == pytest.approx(found) if found else not worst <= 1e-2
    assert benchmark("parity").difference(host, host | {"B": np.ones(2)}) == float("inf")


@pytest.mark.parametrize("shift, ends_with", [(0.0, 0), (float("nan"), 1), (0.1, 1)])
def test_parity_exits_with_1_and_without_a_file_where_the_devices_differ(
    benchmark, monkeypatch, tmp_path, capsys, shift, ends_with
):
    import numpy as np

    parity, path = benchmark("parity"), tmp_path / "x.json"
    monkeypatch.setattr(
        parity, "updates", lambda net, rule, dtype, device: {"W": np.ones(2) + shift * (device != "cpu")}
    )
    monkeypatch.setattr(sys, "argv", ["parity.py", "--device", "gpu", "--only", "mlp bp", "--out", str(path)])
    if ends_with:
        with pytest.raises(SystemExit, match=re.escape("mlp bp float32 (")):
            parity.main()
    else:
        parity.main()
    assert path.exists() == (ends_with == 0)


def test_every_committed_result_has_a_table_and_stands_in_the_readme():
    tables = script("tools", "benchmark_tables")
    page = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    for path in (ROOT / "benchmarks" / "results").glob("*-cpu*.json"):
        assert f"<!-- table: {path.stem} -->" in page
        assert sum(line.startswith("|---") for line in tables.make(path.stem)) >= 1


@pytest.mark.parametrize(
    "name, command",
    [
        ("mlp-cpu-7threads", "python benchmarks/mlp.py --threads 7 --out"),
        ("growth-gpu-a-card", "python benchmarks/growth.py --device gpu --out"),
        ("between-0.0.1-cpu-1thread", "python benchmarks/between.py FOLDER --out"),
        ("threads-cpu-no", "python benchmarks/threads.py --out"),
    ],
)
def test_a_table_that_is_not_measured_names_the_command_that_makes_its_file(name, command):
    made = script("tools", "benchmark_tables").make(name)
    assert made == [f"Not measured: `{command} benchmarks/results/{name}.json` makes it."]


def test_a_refused_rule_says_so_in_the_table_and_keeps_its_reason_in_the_file(benchmark, monkeypatch):
    rules, worker = benchmark("rules"), sys.modules["worker"]

    class Refuses(Clock):
        def ask(self, *request):
            raise worker.PeerError("InputError: ifa: cannot train pools")

        def close(self):
            pass

    class BP(Refuses):
        ask = Clock.ask

    monkeypatch.setattr(rules, "start", lambda options, name: BP(1, 1) if name == "bp" else Refuses(1))
    row = rules.beside_bp(SimpleNamespace(turns=1, turn=1), "conv", "ifa")
    assert row == {"refused": "ifa: cannot train pools"}
    cells = script("tools", "benchmark_tables").rules([{"net": "conv", "rule": "ifa"} | row])
    assert cells == [[["rule", "conv, time", "conv, memory"], ["ifa", "refused", ""]]]


# -- gpu.sh ----------------------------------------------------------------------------------------------------------

# Stands in for Python: each part writes its file, but `conv` fails until there is a file named mended.
PYTHON = r"""#!/bin/bash
case "$*" in
*conv.py*) [ -e mended ] || { echo "no memory left"; exit 1; } ;;
*reproduce*) mkdir -p "runs/resnet20-gpu-a-card"; echo found > runs/resnet20-gpu-a-card/summary.json ;;
esac
while [ $# -gt 0 ]; do [ "$1" = --out ] && [[ $2 == *.json ]] && echo found > "$2"; shift; done
exit 0
"""


@pytest.fixture
def gpu_sh(tmp_path):
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks" / "gpu.sh").write_bytes((ROOT / "benchmarks" / "gpu.sh").read_bytes())
    (tmp_path / "python").write_text(PYTHON)
    (tmp_path / "python").chmod(0o755)

    def run(*arguments, **environment):
        command = ["bash", str(tmp_path / "benchmarks" / "gpu.sh"), *arguments]
        environment = os.environ | {"PYTHON": str(tmp_path / "python"), "GPU_NAME": "A (card)"} | environment
        return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60)

    return run


@pytest.mark.skipif(sys.platform == "win32", reason="needs bash")
def test_one_part_that_fails_stops_no_other_and_the_next_run_does_it_alone(gpu_sh, tmp_path):
    first = gpu_sh()
    assert first.returncode == 1 and "failed: conv;" in first.stderr
    assert "conv: FAILED" in first.stdout and "no memory left" in first.stdout
    assert first.stdout.count(": done in ") == 6
    (tmp_path / "mended").touch()
    second = gpu_sh()
    assert second.returncode == 0 and second.stdout.count(": is there (") == 6
    assert second.stdout.count(": done in ") == 1 and gpu_sh("--list").stdout.count(": is there (") == 7


@pytest.mark.skipif(sys.platform == "win32", reason="needs bash")
def test_without_a_gpu_it_stops_with_one_line_and_status_2(gpu_sh, tmp_path):
    (tmp_path / "python").write_text("#!/bin/bash\necho 'gpu.sh: no GPU: no driver' >&2; exit 1\n")
    found = gpu_sh(GPU_NAME="")
    assert (found.returncode, found.stdout, found.stderr) == (2, "", "gpu.sh: no GPU: no driver\n")
    assert not (tmp_path / "benchmarks" / "results").exists()
