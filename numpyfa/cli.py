"""The command line. Bad input is one line on standard error and exit status 2; Ctrl-C is 130, SIGTERM 143."""

import argparse
import inspect
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from . import data, doctor, init, laws
from .errors import Diverged, InputError, Stopped, choose
from .init import INITS
from .lab.experiment import Experiment, Settings
from .lab.progress import shown
from .lab.protocol import Protocol, takes_init
from .lab.run import run
from .lab.training import training
from .laws import report
from .local import ACTIVATIONS
from .losses import LOSSES
from .models import MODELS
from .optim import OPTIMIZERS
from .papers import EXPERIMENTS
from .rules import RULES, VARIANTS, find


class Terminated(KeyboardInterrupt):
    """SIGTERM, which ends a run as Ctrl-C does."""


class Parser(argparse.ArgumentParser):
    def error(self, message):
        raise InputError(f"{message} (see {self.prog} --help)")


def main(arguments=None):
    """Run one command; return the exit status."""
    with suppress(AttributeError):  # a letter that the terminal cannot show is no reason to fail
        sys.stdout.reconfigure(errors="replace")
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
    p.add_argument(
        "names", nargs="*", metavar="NAME", help=f"a rule, or {', '.join(laws.ENGINE)}; all if none is named"
    )
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
    p.add_argument("--lr", type=float, help="the learning rate on the batch's mean gradient")
    p.add_argument("--device", choices=("cpu", "gpu", "auto"))
    p.add_argument("--dtype", choices=("float32", "float64"))
    p.add_argument("--out", help="the folder for the results (default: runs/ and the name)")
    after = p.add_mutually_exclusive_group()
    after.add_argument("--resume", action="store_true", help="go on with the run in that folder")
    after.add_argument("--force", action="store_true", help="replace the run in that folder")


def names(text):
    return tuple(name.strip() for name in text.split(",") if name.strip())


def given(options: argparse.Namespace, *keys: str) -> Settings:
    shared = ("epochs", "seeds", "batch_size", "lr", "device", "dtype", "examples", "validation")
    return {key: getattr(options, key) for key in (*keys, *shared)}


def reproduce(options: argparse.Namespace) -> None:
    experiment = choose(EXPERIMENTS, options.experiment, "experiment")
    perform(experiment, experiment.adapt(options.quick, **given(options, "rules", "data")), options)


def train(options: argparse.Namespace) -> None:
    keys = ("net", "data", "activation", "loss", "optimizer", "momentum", "decay", "init", "feedback",
            "standardise", "augment", "decoupled", "burst")  # fmt: skip
    if options.feedback:
        init.parse(options.feedback)
        if not any(takes_init(name) for name in options.rule):
            raise InputError(f"--feedback: none of {','.join(options.rule)} takes an initialiser")
    protocol = Protocol(net=options.net, rules=options.rule, seeds=1)
    experiment = training(f"{options.net}-{Path(options.data).stem}", protocol)
    if options.out is None:
        options.out = str(Path("runs") / "-".join([experiment.name, *options.rule]))
    perform(experiment, experiment.adapt(**given(options, *keys)), options)


def perform(experiment: Experiment, settings: Settings, options: argparse.Namespace) -> None:
    """Run, showing how far it is, then print the table and the verdict."""
    out = Path("runs") / experiment.name if options.out is None else Path(options.out)
    with resumable(out), shown() as progress:
        summary = run(experiment, settings, out, options.resume, options.force, progress)
    print("\n".join([*experiment.show(experiment, settings, summary["rows"]), *summary["verdict"]]))
    written = ("history.csv", "summary.json", "figure.png", "parts", "checkpoints")
    *most, last = [name for name in written if (out / name).exists()]
    print(f"\n{', '.join(most)} and {last} are in {out}")


@contextmanager
def resumable(out: Path) -> Iterator[None]:
    """Ctrl-C and SIGTERM inside say how to go on."""

    def terminate(*_: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough
        raise Terminated

    main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, terminate) if main else None
    try:
        yield
    except KeyboardInterrupt as error:
        word, status = ("terminated", 143) if isinstance(error, Terminated) else ("interrupted", 130)
        print(f"\nnumpyfa: {word}; go on with --resume (without --force) and --out {out}", file=sys.stderr)
        raise SystemExit(status) from None
    finally:
        if main:
            signal.signal(signal.SIGTERM, before)


def check(options):
    found = report.run(options.names)
    print(report.as_json(found) if options.json else report.as_table(found))
    return 1 if report.failed(found) else 0


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
