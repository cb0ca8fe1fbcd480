"""The folder of a run: what may be written into it, what may be resumed, and the tables.

protocol.json     what was asked for, the data's fingerprint, and the machine
checkpoints/      one a job, that is a rule and a seed; a study of the theory has parts/ instead
history.csv       one row a job and epoch
summary.json      one row a rule: mean and standard deviation over seeds, at the last epoch
figure.png
"""

import csv
import json
import math
import re
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import numpy as np

from .. import checkpoint
from ..doctor import machine
from ..errors import InputError
from ..files import whole_file
from ..rules import RULES, VARIANTS

EXTENSIBLE = ("rules", "seeds", "epochs")  # a resumed run may ask for more of these


def identity(protocol, fingerprint):
    """What two runs must share for one to continue the other."""
    fixed = {key: value for key, value in asdict(protocol).items() if key not in EXTENSIBLE}
    if protocol.drops:  # the schedule of the step depends on how many epochs there are
        fixed["epochs"] = protocol.epochs
    return json.loads(json.dumps(fixed)) | {"fingerprint": fingerprint}


@contextmanager
def locked(out):
    """Hold the folder for one run at a time. The system lets go of it if the process dies."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        handle = open(out / ".lock", "w")  # noqa: SIM115  (held until the run ends)
    except FileExistsError:
        raise InputError(f"{out} is a file: choose a folder with --out") from None
    except OSError as error:
        raise InputError(f"cannot write into {out}: {error.strerror}; choose another folder") from error
    with handle:
        try:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except ImportError:  # no such lock on Windows
            pass
        except OSError:
            raise InputError(f"another run is writing into {out}: wait for it or choose another --out") from None
        yield


def prepare(out, record, compare, resume, force):
    """Make the folder ready, and lose nothing in it that was not meant to go.

    `record` is what protocol.json is to say. `compare()` raises InputError unless the run that the folder holds, of
    whichever kind, can go on as this one.
    """
    sweep(out)
    results = [out / name for name in ("history.csv", "summary.json", "figure.png")]
    present = [path for path in [*results, *checkpoints(out), *study_parts(out)] if path.exists()]
    if present and not (resume or force):
        raise InputError(
            f"{out} holds a run already: go on with it with --resume, replace it with --force, or choose another --out"
        )
    if resume:
        if not present and not (out / "protocol.json").exists():
            raise InputError(f"{out} holds no run to go on with: correct --out, or leave out --resume")
        compare()
    elif force:
        for path in present:
            path.unlink()
    write_json(out / "protocol.json", record)


def sweep(out):
    """Remove the temporary files of processes that were killed while they wrote."""
    for litter in [*out.glob(".*.part"), *out.glob("checkpoints/.*.part"), *out.glob("parts/.*.part")]:
        litter.unlink()


def checkpoints(out):
    """The checkpoints that a run of ours may have left."""
    ours = re.compile(rf"({'|'.join([*RULES, *VARIANTS])})-seed\d+\.npz")
    return sorted(path for path in out.glob("checkpoints/*.npz") if ours.fullmatch(path.name))


def study_parts(out):
    """What the jobs of a study may have left."""
    return sorted(out.glob("parts/job-*.json"))


def earlier(out, name, keys):
    """What protocol.json says, as a dictionary that has the `keys`. Raises InputError if it is damaged or tells of
    another run than `name`."""
    path = out / "protocol.json"
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        found = record["experiment"]
        if found == name:
            record = {key: record[key] for key in keys}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is missing or damaged ({error}): use --force to start again") from None
    if found != name:
        raise InputError(f"{out} holds the run '{found}', not '{name}': choose another --out")
    return record


def same(out, before, now):
    """Raise InputError if a value of `now` is another in `before`."""
    differing = [key for key in now if before.get(key) != now[key]]
    if differing:
        pairs = ", ".join(f"{key} {before.get(key)} (now {now[key]})" for key in differing)
        raise InputError(f"{out} holds a run with another {pairs}: choose another --out, or --force to replace it")


def compare(out, experiment, protocol, fingerprint):
    """Raise InputError unless the run in `out` can go on as this one: the same but for more rules, seeds or epochs."""
    record = earlier(out, experiment.name, ("protocol", "fingerprint"))
    before = dict(record["protocol"]) | {"fingerprint": record["fingerprint"]}
    same(out, before, identity(protocol, fingerprint))
    rules, seeds = before["rules"], before["seeds"]
    if not set(rules) <= set(protocol.rules) or seeds > protocol.seeds:
        raise InputError(
            f"{out} holds {seeds} seeds of {','.join(rules)}: ask for at least these, or choose another --out"
        )
    for name, seed in protocol.jobs():
        done = epochs_done(out, name, seed)
        if done > protocol.epochs:
            raise InputError(f"{out} holds {done} epochs of {name}, more than the {protocol.epochs} asked for")


def checkpoint_path(out, rule_name, seed):
    return Path(out) / "checkpoints" / f"{rule_name}-seed{seed}.npz"


def read_history(out, rule_name, seed):
    return checkpoint.read(checkpoint_path(out, rule_name, seed))[1]["history"]


def epochs_done(out, rule_name, seed):
    path = checkpoint_path(out, rule_name, seed)
    return read_history(out, rule_name, seed)[-1]["epoch"] if path.exists() else 0


def write_history(out, protocol):
    """Write history.csv (rule, seed, then the columns of `learn.fit`) from the checkpoints; return the histories.

    A column that a rule lacks stays empty.
    """
    histories = {job: read_history(out, *job) for job in protocol.jobs() if checkpoint_path(out, *job).exists()}
    rows = [{"rule": name, "seed": seed} | row for (name, seed), history in histories.items() for row in history]
    if rows:
        angles = sorted({column for row in rows for column in row if "angle" in column}, key=by_layer)
        write_rows(out / "history.csv", rows, last=angles)
    return histories


def write_rows(path, rows, last=()):
    """A table of all the columns that any row has, those named in `last` at the end; what a row lacks stays empty."""
    columns = dict.fromkeys(column for row in rows for column in row)
    with whole_file(path) as file:
        writer = csv.DictWriter(file, [c for c in columns if c not in last] + list(last), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def by_layer(column):
    """angle_2 before angle_10 before weight_angle_2."""
    kind, _, layer = column.rpartition("_")
    return kind, int(layer)


def summarise(experiment, protocol, fingerprint, histories):
    """One row a rule: the mean over seeds at the last epoch and the standard deviation (n - 1) beside it."""
    rows = []
    for name in protocol.rules:
        final = [histories[name, seed][-1] for seed in range(protocol.seeds)]
        row = {"rule": name}
        for column in final[0]:
            if column != "epoch":
                values = [each[column] for each in final]
                row[column] = float(np.mean(values))
                row[f"{column}_sd"] = float(np.std(values, ddof=1)) if len(values) > 1 else math.nan
        if name in experiment.published:
            row["published_test_error"] = experiment.published[name]
        rows.append(row)
    about = {"experiment": experiment.name, "source": experiment.source, "protocol": asdict(protocol)}
    return about | {"fingerprint": fingerprint, "machine": machine(), "rows": rows}


def write_json(path, content):
    with whole_file(path) as file:
        json.dump(plain_json(content), file, indent=2)
        file.write("\n")


def plain_json(value):
    """The same without NaN and infinity, which are not JSON: an undefined number becomes null."""
    if isinstance(value, dict):
        return {key: plain_json(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain_json(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
