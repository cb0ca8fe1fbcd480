"""The command line. Bad input is one line on standard error and exit status 2; Ctrl-C is 130, SIGTERM 143."""

import argparse
import inspect
import io
import json
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from . import __version__, data, doctor, init, laws
from .errors import Diverged, InputError, Stopped, choose
from .init import INITS
from .lab import compare, listing, reference, runs, sweep_words
from .lab.cluster import dask
from .lab.experiment import Experiment, Row, Settings, option
from .lab.folder import RESULTS, ours
from .lab.progress import duration, shown
from .lab.protocol import Protocol, takes_init
from .lab.run import run
from .lab.spelling import in_file_name, read_schedule, spell_all
from .lab.sweep_words import several
from .lab.tables import aligned, in_lines
from .lab.training import checkpoint_path, training
from .laws import needs, report
from .local import ACTIVATIONS
from .losses import LOSSES
from .models import MODELS, make_net
from .optim import OPTIMIZERS
from .papers import EXPERIMENTS
from .rules import RULES, VARIANTS, find

TRAIN = Protocol(net="784-200-80-10", rules=("bp",), seeds=1)  # what `numpyfa train` takes where nothing is said
SWEEP = replace(TRAIN, rules=("bp", "fa"), seeds=3, validation=5000)
IN_WORDS = {
    "activation": "relu; tanh in a multi-layer perceptron, nokland-conv and drtp-conv; logistic in lillicrap-mnist",
    "feedback": "each rule's own",
    "burst": "as --decay",
    "schedule": "the same throughout",
    "feedback_schedule": "as --schedule",
    "measured": "all",
    "feedback_optimizer": "W's own",
    "feedback_lr": "none: give one with it",
    "feedback_momentum": 0.0,
    "feedback_decay": "as --decay",
    "examples": "all",
    "out": "runs/NET-DATA-RULES",
}  # the defaults that a Protocol has as None
OPTIONS_OF_A_RULE = "with options as pfa:expansion=5,orthogonal=true"


class Terminated(KeyboardInterrupt):
    """SIGTERM, which ends a run as Ctrl-C does."""


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message} (see {self.prog} --help)")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # a letter that the terminal cannot show is no reason to fail
        sys.stdout.reconfigure(errors="replace")
    try:
        with warnings_in_one_line():
            return answer(sys.argv[1:] if arguments is None else arguments)
    finally:
        let_go_of_output()


def answer(arguments: Sequence[str]) -> int:
    """Run one command, and say in one line what kept it from going on; return the exit status."""
    try:
        empty = [word for word in arguments if word.startswith("--") and word.endswith("=--")]
        if empty:  # argparse takes the -- for the end of the options, and the value for an empty list
            raise InputError(f"{empty[0]}: give a value after the =")
        options = parser().parse_args(arguments)
        status: int | None = options.command(options)
        if sys.stdout is not None:
            sys.stdout.flush()
        return status or 0
    except (InputError, Diverged, Stopped) as error:
        tell(str(error))
        return 2
    except KeyboardInterrupt:
        print("\nnumpyfa: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader, such as head, has had enough
        return 0
    except (OSError, MemoryError) as error:  # the machine's no: a full disk, a forbidden folder, a net too large
        tell(f"{type(error).__name__}: {error}")
        return 2


def tell(message: str) -> None:
    """One line on standard error."""
    with suppress(OSError):
        print(f"numpyfa: {' '.join(message.split())}", file=sys.stderr)


def let_go_of_output() -> None:
    """Write what is still to be written. If nobody takes it, Python must not try once more when it ends."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def warnings_in_one_line() -> Iterator[None]:
    """Inside, each of our own warnings is one line, once; what NumPy remarks on overflow and the like is not told."""
    told: set[str] = set()

    def show(message: Warning | str, *_: object, **__: object) -> None:
        if str(message) not in told:
            told.add(str(message))
            tell(f"warning: {message}")

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = show
        yield


# The commands and their options


def parser() -> Parser:
    top = Parser(prog="numpyfa", description="Feedback alignment and its family, in plain NumPy.")
    top.add_argument("--version", action="version", version=f"numpyfa {__version__} (NumPy {np.__version__})")
    commands = top.add_subparsers(required=True, metavar="COMMAND", parser_class=Parser)

    def command(name: str, run: Callable[[argparse.Namespace], int | None], words: str, more: str = "") -> Parser:
        p: Parser = commands.add_parser(name, help=words, description=f"{words[0].upper()}{words[1:]}. {more}")
        p.set_defaults(command=run)
        return p

    p = command(
        "reproduce",
        reproduce,
        "run a published experiment and show it beside its published numbers",
        "What is not given is as the experiment's own settings say, which `numpyfa experiments NAME` shows.",
    )
    p.add_argument("experiment", nargs="?", metavar="NAME", help="one of those that --list shows")
    options_of_reproduce(p)

    p = command("train", train, "train any net by any rule on any data set")
    options_of_train(p)

    p = command(
        "sweep",
        sweep,
        "tune every rule by the same budget, on held-out examples, and test what was chosen",
        "Options take several values, with commas. Of --net, --data and --examples each is a case of its own; of the "
        "others every combination is tried, and the best is chosen for each rule and case.",
    )
    options_of_sweep(p)

    p = command("experiments", list_experiments, "list the published experiments; or show the settings of one")
    p.add_argument("name", nargs="?", metavar="NAME", help="one of them")

    p = command("runs", list_runs, "list the runs in a folder: how far they are, and what they found")
    p.add_argument("folder", nargs="?", default="runs", metavar="FOLDER", help="(default: runs)")

    p = command("check", check, "verify every gradient, identity and law; print a table")
    group = f"a rule, or one of {', '.join(laws.ENGINE)} (default: all)"
    p.add_argument("names", nargs="*", metavar="NAME", help=group)
    p.add_argument("--json", action="store_true", help="print JSON instead of a table")

    command("rules", list_rules, "list the learning rules with their equations")
    command("nets", list_nets, "list the nets by name, with the number of their parameters")

    p = command("explain", explain, "print a rule's equation, shapes, source and code")
    p.add_argument("rule", metavar="RULE", help="`numpyfa rules` lists them")

    p = command("needs", list_needs, "measure what rules read to learn, and what their layers wait for")
    p.add_argument("rules", nargs="*", metavar="RULE", help="`numpyfa rules` lists them (default: all)")

    p = command(
        "course",
        write_course,
        "write the notebooks of the course into a new folder",
        "They have blanks; `from numpyfa.course import check` marks what is put there.",
    )
    p.add_argument("folder", metavar="FOLDER", help="a folder that is not there yet")
    p.add_argument("--solutions", action="store_true", help="the solved notebooks and the open questions' answers too")
    p.add_argument("--otter", action="store_true", help="masters for otter-grader too, in a folder of that name")

    p = command("data", list_data, "list the data sets and where they are; fetch those named")
    p.add_argument("names", nargs="*", metavar="NAME", help="data sets to fetch (default: none)")

    p = command("watch", watch_it, "open a page in the browser where a net learns, and show what happens inside")
    p.add_argument("--port", type=int, default=8710, help="of the page's address, on this machine (default: 8710)")
    p.add_argument("--no-browser", action="store_true", help="open no browser: print the address alone")
    words = "write the page as a static site instead, which trains inside the browser"
    p.add_argument("--export", metavar="FOLDER", help=words)

    command("doctor", examine, "report versions, BLAS, threads and whether a GPU can be used")
    return top


Add = Callable[..., None]


def adder(p: Parser, title: str, defaults: dict[str, Any], lists: Collection[str] = ()) -> Add:
    """A function that adds an option to a group of the help, and says there what stands if nothing is given. Those in
    `lists` take several values."""
    group = p.add_argument_group(title)

    def add(*names: str, help: str, **more: Any) -> None:
        name = more.get("dest", names[0].lstrip("-").replace("-", "_"))
        if name in lists:
            more = {**more, "type": several(more.get("type", str)), "metavar": "A,B,..", "default": None}
        default = f" (default: {in_words(defaults[name])})" if name in defaults else ""
        group.add_argument(*names, help=help + default, **more)

    return add


def in_words(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ",".join(value) if isinstance(value, tuple) else str(value)


def options_of_reproduce(p: Parser) -> None:
    add = adder(p, "what is run", {})
    add("--list", action="store_true", help="list the experiments, as `numpyfa experiments` does, and run none")
    add(
        "--all",
        action="store_true",
        help="every experiment but those that --list calls not run; with --quick the short form of each, in minutes",
    )
    add("--quick", action="store_true", help="a short form, to see it run")
    option_rule(add)
    add("--data", help="another data set: `numpyfa data` lists them; or an npz file, or images, FOLDER@64")
    add = adder(p, "held against what is known", {})
    add(
        "--verify",
        action="store_true",
        help="say inside or outside the band of the reference; exit status 1 if outside",
    )
    add("--reference", metavar="FILE", help=f"the references (default: {reference.FILE.as_posix()}, in a checkout)")
    options_of_both(p, {"out": "runs/NAME"})


def options_of_train(p: Parser, protocol: Protocol = TRAIN, lists: Collection[str] = ()) -> None:
    defaults = vars(protocol) | IN_WORDS | ({"out": "runs/sweep-NET-DATA"} if lists else {})
    add = adder(p, "what is run", defaults, lists)
    add("--net", default=TRAIN.net, help="sizes such as 784-200-80-10, or a name: `numpyfa nets` lists them")
    option_rule(add)
    add("--data", default=TRAIN.data, help="a name: `numpyfa data` lists them; or an npz file, or images, FOLDER@64")
    add("--activation", help=f"one of {', '.join(ACTIVATIONS)}")
    add("--loss", help=f"one of {', '.join(LOSSES)}")
    add("--init", help=f"initialiser of the weights: {', '.join(INITS)}")
    add("--feedback", help="initialiser of the feedback, such as normal:1 or uniform:0.5")
    add("--standardise", action="store_const", const=True, help="give each channel mean 0 and variance 1")
    add("--augment", action="store_const", const=True, help="flip and shift the training images")
    add = adder(p, "how it learns", defaults, lists)
    add("--optimizer", help=f"one of {', '.join(OPTIMIZERS)}, with options as adam:eps=1")
    add("--schedule", help="the learning rate times a factor after so many epochs: 20:0.5,30:0.5")
    add("--hidden-lr", type=float, help="a factor of the learning rate in the hidden layers")
    add("--momentum", type=float, help="of sgd and manhattan")
    add("--decay", type=float, help="decay of every parameter, coupled unless --decoupled")
    add("--decoupled", action="store_const", const=True, help="take the decay beside the step")
    add("--burst", type=float, help="decay in the first epoch, for rules whose feedback learns")
    add("--feedback-optimizer", help="a second optimiser, for feedback that learns by a gradient")
    add("--feedback-lr", type=float, help="its learning rate")
    add("--feedback-momentum", type=float, help="its momentum")
    add("--feedback-decay", type=float, help="its decay")
    add("--feedback-schedule", help="its schedule")
    options_of_both(p, defaults, lists)


def options_of_sweep(p: Parser) -> None:
    add = adder(p, "how it is chosen", {"tries": 1})
    add("--draw", type=int, metavar="N", help="try so many random settings, numbers between the lowest and the highest")
    add("--tries", type=int, default=1, help="how many seeds a setting is tried from")
    add("--halving", type=int, default=0, metavar="K", help="begin with few epochs; the best of every K settings go on")
    add("--yes", action="store_true", help=f"more than {sweep_words.MOST_JOBS} jobs are meant")
    options_of_train(p, SWEEP, sweep_words.LISTS)


def option_rule(add: Add) -> None:
    """--rule may be given several times, and each may name several rules."""
    words = f"one or more, such as bp,fa; {OPTIONS_OF_A_RULE}: `numpyfa rules` lists them, `numpyfa explain RULE` each"
    add("--rules", "--rule", action="append", metavar="RULE", help=words)


def options_of_both(p: Parser, defaults: dict[str, Any], lists: Collection[str] = ()) -> None:
    add = adder(p, "how much, how fast", defaults, lists)
    add("--epochs", type=int, help="how often the training set is gone through")
    add("--seeds", type=int, help="how many seeds, from 0; of a sweep those of the tests, after those of --tries")
    add("--batch-size", type=int, help="examples in a batch")
    add("--lr", type=float, help="the learning rate on the batch's mean gradient")
    add("--examples", type=int, help="use only the first so many training examples")
    add("--validation", type=int, help="hold so many training examples out, in the test set's place")
    add("--measured", type=int, help="measure the training error on the first so many: quicker")
    add = adder(p, "where", defaults)
    add("--device", choices=("cpu", "gpu", "auto"), help="auto is the GPU where there is one")
    add("--dtype", choices=("float32", "float64"), help="the kind of number")
    add("--dask", metavar="WHERE", help="let Dask do the jobs: local, or a scheduler, tcp://host:port")
    add("--out", metavar="FOLDER", help="the folder for the results")
    after = p.add_argument_group("if that folder holds a run (default: it is refused)").add_mutually_exclusive_group()
    after.add_argument("--resume", action="store_true", help="go on with it")
    after.add_argument("--force", action="store_true", help="replace it")


# Runs


def given(options: argparse.Namespace, *keys: str) -> Settings:
    shared = ("epochs", "seeds", "batch_size", "lr", "device", "dtype", "examples", "validation", "measured")
    return {key: getattr(options, key) for key in (*keys, *shared)}


def reproduce(options: argparse.Namespace) -> int:
    if options.all and options.experiment:
        raise InputError(f"name one experiment or give --all, found {options.experiment} and --all")
    if options.list and (options.all or options.experiment):
        raise InputError("--list shows every experiment and runs none: leave out the name and --all")
    if options.reference is not None and not options.verify and (options.all or options.experiment):
        raise InputError("--reference is what --verify holds a run against: give both or none")
    if options.list or not (options.all or options.experiment):
        print("\n".join(listing.listed(EXPERIMENTS, named(options.reference))))
        return 0
    names = list(EXPERIMENTS) if options.all else [options.experiment]
    options.rules = None if options.rules is None else spell_all(options.rules)
    tasks = []
    for name in names:
        experiment = choose(EXPERIMENTS, name, "experiment")
        tasks.append((experiment, experiment.adapt(options.quick, **given(options, "rules", "data"))))
    return perform_all(tasks, options) if options.all else perform(*tasks[0], options)


def named(path: str | None) -> Path | None:
    return None if path is None else Path(path)


def perform_all(tasks: list[tuple[Experiment, Settings]], options: argparse.Namespace) -> int:
    """One experiment after the other, each in its own folder; one that fails is no reason to stop. Return 2 if any
    failed, else 1 if any is outside its band."""
    top = folder_for(options, "quick" if options.quick else "all")
    if not (options.resume or options.force):
        for experiment, _ in tasks:
            if holds_run(top / experiment.name):
                raise InputError(f"{top / experiment.name} holds a run already: --resume, --force, or another --out")
    ends, worst = [["experiment", "took", "end"]], 0
    with resumable(top):
        for experiment, settings in tasks:
            out, began = top / experiment.name, time.monotonic()
            if reason := left_out(experiment, settings, options):
                ends.append([experiment.name, "", reason])
                continue
            print(f"\n--- {experiment.name} ---", flush=True)
            try:
                own = argparse.Namespace(**vars(options) | {"resume": options.resume and holds_run(out)})
                status, end = run_and_tell(experiment, settings, out, own), "done"
            except Exception as error:
                status, end = 2, f"FAILED: {type(error).__name__}: {' '.join(str(error).split())}"
                tell(f"{experiment.name}: {end}")
            ends.append([experiment.name, duration(time.monotonic() - began), "OUTSIDE" if status == 1 else end])
            worst = max(worst, status)
    print("\n" + "\n".join(aligned(ends)))
    return worst


def left_out(experiment: Experiment, settings: Settings, options: argparse.Namespace) -> str:
    """Why `--all` leaves an experiment out; empty if it runs it. The short form of what takes days is run."""
    if experiment.not_run and not options.quick:
        return f"left out: not run here, {experiment.not_run}"
    if (needed := listing.needs(settings)).endswith("not here"):
        return f"left out: {needed}"
    try:
        choose_reference(experiment, settings, options)
    except reference.NoReference:
        return "left out: no reference"
    return ""


def choose_reference(experiment: Experiment, settings: Settings, options: argparse.Namespace) -> Row | None:
    """What the run is held against, if that is wanted."""
    if not options.verify:
        return None
    return reference.choose_entry(reference.read(reference_file(options)), experiment, settings)


def reference_file(options: argparse.Namespace) -> Path:
    return named(options.reference) or reference.FILE


def holds_run(out: Path) -> bool:
    return bool(ours(out)) or (out / "protocol.json").exists() or (out / ".new").exists()


KEYS = ("net", "rules", "data", "activation", "loss", "optimizer", "momentum", "decay", "init", "feedback",
        "standardise", "augment", "decoupled", "burst", "feedback_optimizer", "feedback_lr", "feedback_momentum",
        "feedback_decay", "feedback_schedule", "schedule", "hidden_lr")  # fmt: skip


def train(options: argparse.Namespace) -> int:
    options.rules = TRAIN.rules if options.rules is None else spell_all(options.rules)
    read_schedules(options)
    if options.feedback:
        init.parse(options.feedback)
        if not any(takes_init(name) for name in options.rules):
            raise InputError(f"--feedback: none of {','.join(options.rules)} takes an initialiser")
    experiment = training(f"{options.net}-{Path(options.data).stem}", TRAIN)
    if options.out is None:
        options.out = str(Path("runs") / "-".join([experiment.name, *map(in_file_name, options.rules)]))
    options.verify, options.reference = False, None
    return perform(experiment, experiment.adapt(**given(options, *KEYS)), options)


def read_schedules(options: argparse.Namespace) -> None:
    for key in ("schedule", "feedback_schedule"):
        if getattr(options, key) is not None:
            setattr(options, key, read_schedule(getattr(options, key)))


def sweep(options: argparse.Namespace) -> int:
    read_schedules(options)
    values = {key: value for key, value in given(options, *KEYS).items() if value is not None}
    experiment = sweep_words.asked(SWEEP, values, options.draw, options.tries, options.halving)
    sweep_words.refuse_many(experiment.settings, options.yes)
    options.verify, options.reference = False, None
    return perform(experiment, experiment.settings, options)


def perform(experiment: Experiment, settings: Settings, options: argparse.Namespace) -> int:
    out = folder_for(options, experiment.name)
    with resumable(out):
        return run_and_tell(experiment, settings, out, options)


def folder_for(options: argparse.Namespace, name: str) -> Path:
    if options.out is not None and not options.out.strip():
        raise InputError("--out is empty: choose a folder")
    return Path("runs") / name if options.out is None else Path(options.out)


def run_and_tell(experiment: Experiment, settings: Settings, out: Path, options: argparse.Namespace) -> int:
    """Run, showing how far it is, then print the table, the verdict, the paper's numbers beside ours, and what can be
    done with it. Return 1 if the run was to be verified and is outside its band."""
    entry = choose_reference(experiment, settings, options)
    with shown() as progress, nullcontext() if options.dask is None else dask(options.dask) as executor:
        summary = run(experiment, settings, out, options.resume, options.force, progress, executor)
    table = summary["rows"]
    print("\n".join([*experiment.show(experiment, settings, table), *summary["verdict"]]))
    if "times" in summary:
        print("\n".join(["", *in_lines(summary["times"])]))
    print("\n".join(compare.in_lines(experiment, settings, table)))
    tell_where(experiment, settings, out)
    if entry is None:
        return 0
    rows = reference.verify(entry, settings, table)
    print("\n".join(reference.in_lines(entry, rows, reference_file(options))))
    return 0 if all(row["inside"] for row in rows) else 1


def tell_where(experiment: Experiment, settings: Settings, out: Path) -> None:
    written = (*RESULTS, "parts", "checkpoints")
    *most, last = [name for name in written if (out / name).exists()]
    print(f"\n{', '.join(most)} and {last} are in {out}")
    path = checkpoint_path(out, settings["rules"][-1], 0) if experiment.begun else None
    if path is not None and path.exists():  # a worker that does not see the folder keeps it
        print(f"docs/after-training.md goes on in Python: net = fa.load_net({json.dumps(str(path))})")


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


# What there is


def check(options: argparse.Namespace) -> int:
    found = report.run(options.names)
    print(report.as_json(found) if options.json else report.as_table(found))
    return 1 if report.failed(found) else 0


def list_experiments(options: argparse.Namespace) -> None:
    """A line for each experiment; or all about one."""
    if options.name is not None:
        return show_experiment(choose(EXPERIMENTS, options.name, "experiment"))
    print("\n".join(listing.listed(EXPERIMENTS)))


def show_experiment(experiment: Experiment) -> None:
    source = ", ".join(filter(None, (experiment.source, experiment.place)))
    print(f"{experiment.name}: {experiment.question}\nsource: {source}")
    print(f"takes about {duration(60 * experiment.minutes)} of one core, and the options "
          f"{', '.join(['--quick', *map(option, experiment.takes)])}\n")  # fmt: skip
    for title, settings in (("settings", experiment.settings), ("--quick changes", experiment.quick)):
        print(
            "\n".join(
                [title, *(f"    {line}" for line in aligned([[key, repr(value)] for key, value in settings.items()]))]
            )
        )


def list_runs(options: argparse.Namespace) -> None:
    print("\n".join(runs.listed(Path(options.folder), EXPERIMENTS)))


def list_rules(options: argparse.Namespace) -> None:
    width = max(map(len, RULES))
    for name, kind in RULES.items():
        print(f"{name:{width}}  {first_line(kind)}")
    for name, (own, preset, source) in VARIANTS.items():
        print(f"{name:{width}}  {own} with {preset_in_words(preset)}   [{source}]")


def list_nets(options: argparse.Namespace) -> None:
    """Their parameters are those for MNIST's 28 x 28, or for 32 x 32 in colour where the net was made for it."""
    rows = [["name", "parameters", "what it is"]]
    for name, build in MODELS.items():
        shape = inspect.signature(build).parameters["input_shape"].default
        net = make_net(name, input_shape=shape, init="zeros")
        count = sum(p.size for p in net.parameters().values())
        rows.append([name, f"{count:,} for {' x '.join(map(str, shape))}", in_short(build)])
    print("\n".join(aligned(rows)))
    print("\nor a multi-layer perceptron, written as its sizes: 784-200-80-10")


def first_line(thing: object) -> str:
    return (inspect.getdoc(thing) or "").partition("\n")[0]


def in_short(build: Any) -> str:
    """What a net is: its docstring up to the colon or bracket where the details begin, and what a variant changes."""
    words = first_line(getattr(build, "func", build)).partition(":")[0].partition(" (")[0].rstrip(".")
    changes = getattr(build, "keywords", {})
    return words + (f", with {preset_in_words(changes)}" if changes else "")


def preset_in_words(preset: dict[str, Any]) -> str:
    return ", ".join(f"{key}={value!r}" for key, value in preset.items())


def explain(options: argparse.Namespace) -> None:
    kind, preset = find(options.rule)
    if preset:
        made = f"{kind.__name__}(net, {preset_in_words(preset)})"
        print(f"{options.rule} is {made}   [{VARIANTS[options.rule][2]}]\n")
    print(inspect.getdoc(inspect.getmodule(kind)))
    print(f"\nThe code ({kind.__module__.replace('.', '/')}.py):\n")
    print(inspect.getsource(kind).rstrip())


def list_needs(options: argparse.Namespace) -> None:
    print("\n".join(aligned(needs.table(options.rules))))


def write_course(options: argparse.Namespace) -> None:
    from .course.write import write

    if not options.folder.strip():
        raise InputError("the folder's name is empty: choose one, such as course")
    folder = Path(options.folder)
    print("\n".join([f"wrote {folder}:", *write(folder, options.solutions, options.otter)]))
    print(f"\nTo begin: pip install 'numpyfa[course]', then jupyter lab {folder}")


def list_data(options: argparse.Namespace) -> None:
    for name in options.names:
        choose(dict.fromkeys(data.NAMES, True), name, "data set")
        if name != "mnist" and data.whole(name)[0] is None:
            data.fetch(name)
    for name in options.names or data.NAMES:
        print(f"{name:14} {data.status(name)}")


def watch_it(options: argparse.Namespace) -> None:
    from .watch import export, server

    if options.export is not None:
        print("\n".join(export.export(Path(options.export))))
    else:
        server.serve(options.port, show=not options.no_browser)


def examine(options: argparse.Namespace) -> None:
    findings = doctor.examine()
    width = max(len(what) for what, _ in findings)
    for what, finding in findings:
        print(f"{what:{width}}  {finding}")
