"""The command line. Bad input is one line on standard error and exit status 2; Ctrl-C is 130."""

import argparse
import inspect
import json
import math
import sys
from contextlib import contextmanager
from pathlib import Path

from . import data, doctor, init
from .errors import Diverged, InputError, Stopped, choose
from .experiments import EXPERIMENTS
from .experiments.folder import by_layer, epochs_done, plain_json
from .experiments.protocol import Experiment, Protocol, takes_init
from .experiments.runner import run
from .experiments.study import Study
from .experiments.study import run as run_study
from .init import INITS
from .local import ACTIVATIONS
from .losses import LOSSES
from .models import MODELS
from .optim import OPTIMIZERS
from .rules import RULES, VARIANTS, find


class Parser(argparse.ArgumentParser):
    def error(self, message):
        raise InputError(f"{message} (see {self.prog} --help)")


def main(arguments=None):
    """Run one command; return the exit status."""
    try:
        options = parser().parse_args(arguments)
        return options.command(options) or 0
    except (InputError, Diverged, Stopped) as error:
        print(f"numpyfa: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nnumpyfa: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader, such as head, has had enough
        sys.stderr.close()
        return 0
    except (OSError, MemoryError) as error:  # the machine's no: a full disk, a forbidden folder, a net too large
        print(f"numpyfa: {type(error).__name__}: {' '.join(str(error).split())}", file=sys.stderr)
        return 2


def parser():
    top = Parser(prog="numpyfa", description="Feedback alignment and its family, in plain NumPy.")
    commands = top.add_subparsers(required=True, metavar="COMMAND", parser_class=Parser)

    p = commands.add_parser("reproduce", help="run a published experiment and show it beside its published numbers")
    p.add_argument("experiment", help=f"one of {', '.join(EXPERIMENTS)}")
    p.add_argument("--rules", "--rule", type=names, help="rules, such as bp,fa,dfa,shallow")
    p.add_argument("--data", help="another data set, such as cifar-10")
    p.add_argument("--quick", action="store_true", help="a short form, to see it run")
    run_options(p)
    p.set_defaults(command=reproduce)

    p = commands.add_parser("train", help="train any net by any rule on any data set")
    p.add_argument("--net", default="784-200-80-10", help=f"sizes such as 784-200-80-10, or {', '.join(MODELS)}")
    p.add_argument(
        "--rule", "--rules", type=names, default=("bp",), help=f"one or more of {','.join([*RULES, *VARIANTS])}"
    )
    p.add_argument("--data", default="mnist", help=f"{', '.join(data.NAMES)}, or an npz file")
    p.add_argument("--activation", help=f"one of {', '.join(ACTIVATIONS)}")
    p.add_argument("--loss", help=f"one of {', '.join(LOSSES)}")
    p.add_argument("--optimizer", help=f"one of {', '.join(OPTIMIZERS)}")
    p.add_argument("--momentum", type=float, help="of sgd")
    p.add_argument("--decay", type=float, help="decay of every parameter, coupled unless --decoupled")
    p.add_argument("--decoupled", action="store_const", const=True, help="take the decay beside the step")
    p.add_argument("--burst", type=float, help="decay in the first epoch, for rules whose feedback learns")
    p.add_argument("--standardise", action="store_const", const=True, help="give each channel mean 0 and variance 1")
    p.add_argument("--augment", action="store_const", const=True, help="flip and shift the training images")
    p.add_argument("--init", help=f"initialiser of the weights: {', '.join(INITS)}")
    p.add_argument("--feedback", help="initialiser of the feedback, such as normal:1 or uniform:0.5")
    run_options(p)
    p.set_defaults(command=train)

    p = commands.add_parser("check", help="verify every gradient, identity and law; print a table")
    p.add_argument("--json", action="store_true", help="print JSON instead of a table")
    p.set_defaults(command=check)

    p = commands.add_parser("rules", help="list the learning rules with their equations")
    p.set_defaults(command=list_rules)

    p = commands.add_parser("explain", help="print a rule's equation, shapes, source and code")
    p.add_argument("rule", help=f"one of {', '.join([*RULES, *VARIANTS])}")
    p.set_defaults(command=explain)

    p = commands.add_parser("data", help="list the data sets that are here; fetch those named")
    p.add_argument("names", nargs="*", metavar="NAME", help=f"data sets to fetch: {', '.join(data.NAMES)}")
    p.set_defaults(command=list_data)

    p = commands.add_parser("doctor", help="report versions, BLAS, threads and whether a GPU can be used")
    p.set_defaults(command=examine)
    return top


def run_options(p):
    """What `reproduce` and `train` share."""
    p.add_argument("--epochs", type=int, help="how often the training set is gone through")
    p.add_argument("--seeds", type=int, help="how many seeds, from 0")
    p.add_argument("--batch-size", type=int)
    p.add_argument("--examples", type=int, help="use only the first so many training examples")
    p.add_argument("--validation", type=int, help="hold so many training examples out, in the test set's place")
    p.add_argument("--lr", type=float, help="the step on the batch's mean gradient")
    p.add_argument("--device", choices=("cpu", "gpu", "auto"))
    p.add_argument("--dtype", choices=("float32", "float64"))
    p.add_argument("--out", help="the folder for the results (default: runs/ and the name)")
    after = p.add_mutually_exclusive_group()
    after.add_argument("--resume", action="store_true", help="go on with the run in that folder")
    after.add_argument("--force", action="store_true", help="replace the run in that folder")


def names(text):
    return tuple(name.strip() for name in text.split(",") if name.strip())


def given(options, *keys):
    shared = ("epochs", "seeds", "batch_size", "lr", "device", "dtype", "examples", "validation")
    return {key: getattr(options, key) for key in (*keys, *shared)}


def reproduce(options):
    experiment = choose(EXPERIMENTS, options.experiment, "experiment")
    if isinstance(experiment, Study):
        return perform_study(experiment, experiment.adapt(options.quick, **given(options, "rules", "data")), options)
    perform(experiment, experiment.adapt(options.quick, **given(options, "rules", "data")), options)


def train(options):
    keys = ("net", "data", "activation", "loss", "optimizer", "momentum", "decay", "init", "feedback",
            "standardise", "augment", "decoupled", "burst")  # fmt: skip
    if options.feedback:
        init.parse(options.feedback)
    if options.feedback and not any(takes_init(name) for name in options.rule):
        raise InputError(f"--feedback: none of {','.join(options.rule)} takes an initialiser")
    protocol = Protocol(net=options.net, rules=options.rule, seeds=1)
    experiment = Experiment(f"{options.net}-{Path(options.data).stem}", protocol)
    if options.out is None:
        options.out = str(Path("runs") / "-".join([experiment.name, *options.rule]))
    perform(experiment, experiment.adapt(**given(options, *keys)), options)


def perform(experiment, protocol, options):
    """Run with a progress bar, then print the table."""
    from tqdm import tqdm

    if protocol.data in data.SOURCES:
        data.load(protocol.data)  # fetched here, where the progress shows
    out = Path("runs") / experiment.name if options.out is None else options.out
    total, latest = protocol.epochs * protocol.seeds * len(protocol.rules), {}
    done = sum(epochs_done(out, *job) for job in protocol.jobs()) if options.resume else 0
    with tqdm(total=total, initial=done, unit="epoch", disable=None, dynamic_ncols=True) as bar, resumable(out):

        def progress(rule, seed, row):
            latest[rule] = f"{row['test_error']:.2f} %"
            bar.update(1)
            bar.set_postfix(latest)

        summary = run(experiment, protocol, out, options.resume, options.force, progress)
    print(table(experiment, protocol, summary))
    print(f"\nhistory.csv, summary.json, figure.png and checkpoints are in {out}")


def perform_study(study, settings, options):
    """Run with a progress bar, then print the table."""
    from tqdm import tqdm

    out = Path("runs") / study.name if options.out is None else options.out
    with tqdm(total=len(study.jobs(settings)), unit="job", disable=None, dynamic_ncols=True) as bar, resumable(out):
        summary = run_study(study, settings, out, options.resume, options.force, lambda job: bar.update(1))
    rows = [list(summary["rows"][0]), *([cell(value) for value in row.values()] for row in summary["rows"])]
    lines = columns(rows)
    if max(map(len, lines)) > 200:  # sentences: one below the other
        lines = [f"{name}: {word}" for row in rows[1:] for name, word in [*zip(rows[0], row), ("", "")]]
    print("\n".join([f"{study.name}: {study.question}", *(line.removesuffix(": ") for line in lines)]))
    print(f"\nhistory.csv, summary.json, figure.png and parts are in {out}")


def cell(value):
    return f"{value:.4g}" if isinstance(value, float) else str(value)


@contextmanager
def resumable(out):
    """Ctrl-C inside says how to go on."""
    try:
        yield
    except KeyboardInterrupt:
        print(f"\nnumpyfa: interrupted; go on with --resume (without --force) and --out {out}", file=sys.stderr)
        raise SystemExit(130) from None


def columns(rows):
    """Rows of words as lines of aligned columns."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  ".join(word.ljust(width) for word, width in zip(row, widths)).rstrip() for row in rows]


def table(experiment, protocol, summary):
    """The result in words and columns: errors in %, angles in degrees, mean and standard deviation over seeds."""
    seeds = "1 seed" if protocol.seeds == 1 else f"mean (s.d.) over {protocol.seeds} seeds"
    lines = [
        f"{experiment.name}: {protocol.net} on {protocol.data}, {protocol.epochs} epochs, batch {protocol.batch_size}, "
        f"step {protocol.steps()}, {seeds}"
    ]
    rows = summary["rows"]
    angles = sorted({c for row in rows for c in row if c.startswith("angle_") and not c.endswith("_sd")}, key=by_layer)
    shown = ["train_error", "test_error", *angles]
    header = ["rule", "train error %", "test error %", *(f"angle {c.removeprefix('angle_')} (deg)" for c in angles)]
    published = any("published_test_error" in row for row in rows)
    cells = [header + ["published test error %"] * published]
    for row in rows:
        line = [row["rule"], *(spread(row, column) for column in shown)]
        cells.append(line + [f"{row['published_test_error']:g}" if "published_test_error" in row else ""] * published)
    lines += columns(cells)
    if experiment.question:
        lines.append(f"({experiment.question})")
    return "\n".join(lines)


def spread(row, column):
    value, sd = row.get(column), row.get(f"{column}_sd")
    if value is None or math.isnan(value):
        return "-"
    digits = 1 if "angle" in column else 2
    return f"{value:.{digits}f}" + ("" if sd is None or math.isnan(sd) else f" ({sd:.{digits}f})")


def check(options):
    from .checks import CHECKS

    results = [(group.__name__, result) for group in CHECKS for result in group()]
    if options.json:
        print(json.dumps(plain_json([{"group": group} | result.as_dict() for group, result in results]), indent=2))
    else:
        width = max(len(result.name) for _, result in results)
        print(f"{'check':{width}}  {'figure':>8}  {'at most':>8}  skipped  verdict")
        for _, result in results:
            verdict = "ok" if result.passed else f"FAILED {result.note}"
            print(
                f"{result.name:{width}}  {result.figure:8.1e}  {result.tolerance:8.1e}  {result.skipped:7}  {verdict}"
            )
        failed = sum(not result.passed for _, result in results)
        print(f"{len(results)} checks, {failed} failed")
    return 0 if all(result.passed for _, result in results) else 1


def list_rules(options):
    width = max(map(len, RULES))
    for name, kind in RULES.items():
        print(f"{name:{width}}  {inspect.getdoc(kind).splitlines()[0]}")
    for name, (kind, options, source) in VARIANTS.items():
        print(f"{name:{width}}  {kind} with {words(options)}   [{source}]")


def words(options):
    return ", ".join(f"{key}={value!r}" for key, value in options.items())


def explain(options):
    kind, preset = find(options.rule)
    module = inspect.getmodule(kind)
    if preset:
        print(f"{options.rule} is {kind.__name__}(net, {words(preset)})   [{VARIANTS[options.rule][2]}]\n")
    print(inspect.getdoc(module))
    print(f"\nThe code ({module.__name__.replace('.', '/')}.py):\n")
    print(inspect.getsource(kind).rstrip())


def list_data(options):
    for name in options.names:
        choose(dict.fromkeys(data.NAMES, True), name, "data set")
        if name != "mnist" and data.whole(name)[0] is None:
            data.fetch(name)
    for name in options.names or data.NAMES:
        print(f"{name:14} {data.status(name)}")


def examine(options):
    findings = doctor.examine()
    width = max(len(what) for what, _ in findings)
    for what, finding in findings:
        print(f"{what:{width}}  {finding}")
