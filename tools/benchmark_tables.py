"""The tables of benchmarks/README.md and docs/speed.md, from the files in benchmarks/results/.

`make(name)` gives the lines of one table: of a file there (its name without .json), of docs/speed.md ("speed-mlp",
"speed-conv"), or of all that was measured on a GPU ("gpu"). For a file that is not there it is a line that says so.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parents[1] / "benchmarks" / "results"
OURS, FORMATS = "numpyfa", ("torch", "channels_last")
HEADS = {"torch": "PyTorch", "channels_last": "channels last", "compile": "compiled", "biotorch": "BioTorch",
         "jax": "JAX", "jax scan": "JAX, scan"}  # fmt: skip

Row = dict[str, Any]
Cells = list[list[str]]  # the first row is the head


def make(name: str) -> list[str] | None:
    """The lines of the table of this name, or None if there is no such table."""
    if name in OWN:
        return OWN[name]()
    if name.partition("-")[0] not in OF_SCRIPT:
        return None
    return of_file(name)


def of_file(name: str) -> list[str]:
    """The machine that a result was made on, and its tables."""
    script, found = name.partition("-")[0], read(name)
    if not found:
        return [not_measured(name)]
    lines = [machine(found["machine"])]
    for cells in OF_SCRIPT[script](found.get("rows", [found])):
        if len(cells) > 1:
            lines += ["", *table(cells)]
    return lines


def not_measured(name: str) -> str:
    """The command that makes the file of this name, SCRIPT[-VERSION]-cpu[-Nthreads] or SCRIPT-gpu-DEVICE."""
    words = ["python", f"benchmarks/{name.partition('-')[0]}.py"]
    if name.startswith("between-"):
        words.append("FOLDER")
    if "-gpu-" in name:
        words.append("--device gpu")
    if threads := re.search(r"-(\d+)threads$", name):
        words.append(f"--threads {threads[1]}")
    return f"Not measured: `{' '.join(words)} --out benchmarks/results/{name}.json` makes it."


def read(name: str) -> Row | None:
    path = RESULTS / f"{name}.json"
    found: Row | None = json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
    return found


def machine(about: Row) -> str:
    """Where, with what and when a result was made, in a sentence."""
    words = [
        about.get("gpu") if about.get("device") == "gpu" else None,
        f"{about['processor']}, {about['cores']} cores",
    ]
    if about.get("threads"):
        words.append("one thread each" if about["threads"] == 1 else f"{about['threads']} threads each")
    words.append(f"NumPy {about['numpy']} with {about['blas']}")
    versions = {"CuPy": about.get("cupy"), "PyTorch": about.get("torch"), "JAX": about.get("jax")}
    words += [f"{what} {version}" for what, version in versions.items() if version not in (None, "not installed")]
    words += ["**a quick trial**" if about.get("quick") else None, about["date"]]
    return "; ".join(word for word in words if word) + "."


# -- One script each -------------------------------------------------------------------------------------------------


def mlp(rows: list[Row]) -> list[Cells]:
    """Examples a second, and how many times a peer's that is; then the memory."""
    names = peers(rows)
    speeds = [["rule", "batch", "numpyfa", *(f"to {HEADS[name]}" for name in names)]]
    for row in rows:
        cells = [row["rule"], str(row["batch_size"]), f"{speed(row):,.0f}"]
        speeds.append(cells + [f"{1 / row['ratio'][name]:.2f}" if name in row["ratio"] else "" for name in names])
    return [speeds, memory([row for row in rows if "megabytes" in row])]


def conv(rows: list[Row]) -> list[Cells]:
    """Milliseconds, ours and in brackets ours by a peer's; the floors; a first layer by lines and by patches."""
    timed = [row for row in rows if "ratio" in row and "by_patches" not in row]
    floors = [["net", "GFLOP", "products, ms", "maps read and written, MB", "maps, ms"]]
    for row in rows:
        if row["what"].endswith("floors"):
            times = [f"{row['milliseconds'][what]:.1f}" for what in ("product", "copy")]
            name = row["what"].removesuffix(" floors")
            floors.append([name, f"{row['gflop']:.1f}", times[0], f"{row['megabytes']:.0f}", times[1]])
    return [beside(timed), floors, forms([row for row in rows if "by_patches" in row])]


def forms(rows: list[Row]) -> Cells:
    """The time by lines by that by patches, a column a number of channels out; bold where numpyfa takes patches."""
    outs = list(dict.fromkeys(row["channels_out"] for row in rows))
    cells = [["kernel", "channels", "numbers in a line", *(f"{out} out" for out in outs)]]
    for kernel, channels in dict.fromkeys((row["kernel"], row["channels"]) for row in rows):
        line = [str(kernel), str(channels), str(kernel * channels)]
        for out in outs:
            own = next((row for row in rows if (row["kernel"], row["channels"], row["channels_out"])
                        == (kernel, channels, out)), None)  # fmt: skip
            ratio = f"{own['ratio']['patches']:.2f}" if own else ""
            line.append(f"**{ratio}**" if own and own["by_patches"] else ratio)
        cells.append(line)
    return cells


def growth(rows: list[Row]) -> list[Cells]:
    return [beside(rows), memory(rows)]


def rules(rows: list[Row]) -> list[Cells]:
    """Each rule's step by BP's, and its memory, a column a net."""
    nets = list(dict.fromkeys(row["net"] for row in rows))
    cells = [["rule", *(f"{net}, {what}" for net in nets for what in ("time", "memory"))]]
    for rule in dict.fromkeys(row["rule"] for row in rows):
        line = [rule]
        for net in nets:
            own = next((row for row in rows if (row["rule"], row["net"]) == (rule, net)), None)
            if own and "refused" in own:
                line += ["refused", ""]
            else:
                line += [f"{own['ratio']:.2f}", f"{own['peak_megabytes']:.0f} MB"] if own else ["", ""]
        cells.append(line)
    return [cells]


def threads(rows: list[Row]) -> list[Cells]:
    """Milliseconds by the number of threads."""
    names = list(dict.fromkeys(name for row in rows for name in row["milliseconds"]))
    cells = [["what", *names]]
    for row in rows:
        cells.append([row["what"], *(digits(row["milliseconds"].get(name)) for name in names)])
    return [cells]


def between(rows: list[Row]) -> list[Cells]:
    """Milliseconds now, by the other version's, and the memory of both where it was measured."""
    names = list(dict.fromkeys(row["rule"] for row in rows))
    cells = [["net", "batch", *names, "memory, now and before"]]
    for net, batch in dict.fromkeys((row["net"], row["batch_size"]) for row in rows):
        own = [row for row in rows if (row["net"], row["batch_size"]) == (net, batch)]
        peaks = own[0].get("peak_megabytes")
        words = f"{peaks['this']:.0f} and {peaks['other']:.0f} MB" if peaks else ""
        cells.append([net, str(batch), *(f"{digits(row['milliseconds'])} ({row['ratio']:.2f})" for row in own), words])
    return [cells]


def theory(rows: list[Row]) -> list[Cells]:
    cells = [["what", "seconds", "examples a second"]]
    for row in rows:
        rate = f"{row['examples_per_second']:,.0f}" if "examples_per_second" in row else ""
        cells.append([row["what"], f"{row['seconds']:.2f}" if "seconds" in row else "", rate])
    return [cells]


def watch(rows: list[Row]) -> list[Cells]:
    """What a live page costs, with the machine's load; then the memory as it stays open."""
    found = rows[0]
    head = ["net and rules", "first picture, s", "updates/s", "batches/s alone", "watched", "slower by the clock",
            "lowest and highest turn", "processor time a batch, more than alone"]  # fmt: skip
    cells = [head]
    for name, each in found["nets"].items():
        low, high = each["slow-down, lowest and highest turn"]
        more = each["processor time of the server a batch, more than the loop's"]
        cells.append([name, f"{each['page asked to first update drawn s']:.1f}", f"{each['updates/s']:.1f}",
                      f"{each['plain batches/s']:.0f}", f"{each['watched batches/s']:.0f}", f"{each['slow-down']:.0%}",
                      f"{low:.0%} to {high:.0%}", f"{more:.0%}"])  # fmt: skip
    load = [f"{found[when][0]:.1f}" for when in ("load before", "load after")]
    cells.append(["load of the machine before and after", " and ".join(load), *[""] * (len(head) - 2)])
    kept = [["open for", "server, MB", "page's JavaScript, MB", "batches", "points"]]
    for when, each in (found.get("memory") or {}).items():
        if when.startswith("after "):
            kept.append([when.removeprefix("after "), *(f"{value:,}" for value in each.values())])
    return [cells, kept]


def parity(rows: list[Row]) -> list[Cells]:
    """The largest difference of an update between the two devices, a column a kind of number."""
    kinds = list(dict.fromkeys(row["numbers"] for row in rows))
    cells = [["net", "rule", *kinds]]
    for net, rule in dict.fromkeys((row["net"], row["rule"]) for row in rows):
        own = {row["numbers"]: row["relative_difference"] for row in rows if (row["net"], row["rule"]) == (net, rule)}
        cells.append([net, rule, *(f"{own[kind]:.0e}" if kind in own else "" for kind in kinds)])
    return [cells]


OF_SCRIPT: dict[str, Callable[[list[Row]], list[Cells]]] = {
    each.__name__: each for each in (mlp, conv, growth, rules, threads, between, theory, parity, watch)
}

# -- Tables of their own ---------------------------------------------------------------------------------------------


def speed_mlp() -> list[str]:
    """One thread: how many times a peer's examples a second."""
    found = read("mlp-cpu-1thread")
    if not found:
        return [not_measured("mlp-cpu-1thread")]
    rows = {(row["rule"], row["batch_size"]): row for row in found["rows"]}
    columns = [("BP", "bp", "torch"), ("FA", "fa", "torch"), ("DFA", "dfa", "torch"), ("BP to JAX", "bp", "jax"),
               ("FA to BioTorch", "fa", "biotorch"), ("memory, numpyfa and PyTorch", "", "")]  # fmt: skip
    cells = [["batch", *(title for title, *_ in columns)]]
    for batch in dict.fromkeys(row["batch_size"] for row in found["rows"]):
        ratios = [rows.get((rule, batch), {"ratio": {}})["ratio"].get(peer) for _, rule, peer in columns[:-1]]
        peaks = rows.get(("bp", batch), {}).get("megabytes", {})
        both = " and ".join(f"{peaks[name]['peak']:.0f}" for name in (OURS, "torch") if name in peaks)
        cells.append([str(batch), *(f"{1 / ratio:.2f}" if ratio else "" for ratio in ratios), f"{both} MB"])
    return [machine(found["machine"]), "", *table(cells)]


def speed_conv() -> list[str]:
    """A step by a peer's: to PyTorch, to its faster format, to torch.compile, to BioTorch's same rule."""
    found = read("conv-cpu-1thread")
    if not found:
        return [not_measured("conv-cpu-1thread")]
    rows = {row["what"]: row["ratio"] for row in found["rows"] if "ratio" in row}
    cells = [["step", "to PyTorch", "to faster format", "to compiled", "to BioTorch"]]
    for net in ("lenet", "resnet20"):
        for rule in ("bp", "fa", "usf", "dfa"):
            own: Row = rows.get(f"{net} {rule}", {})
            formats = [own[name] for name in FORMATS if name in own]
            values = [own.get("torch"), max(formats, default=None), own.get("compile"), own.get("biotorch")]
            cells.append([f"{net}, {rule}", *(f"{value:.2f}" if value else "" for value in values)])
    return [machine(found["machine"]), "", *table(cells)]


def gpu() -> list[str]:
    """Every result that was made on a GPU and has a table."""
    names = sorted(path.stem for path in RESULTS.glob("*-gpu-*.json") if path.stem.partition("-")[0] in OF_SCRIPT)
    lines = [line for name in names for line in (f"### {name}", "", *of_file(name), "")]
    return lines[:-1] or ["Not measured: `bash benchmarks/gpu.sh` on a machine that has one measures everything."]


OWN: dict[str, Callable[[], list[str]]] = {"speed-mlp": speed_mlp, "speed-conv": speed_conv, "gpu": gpu}

# -- Words and tables ------------------------------------------------------------------------------------------------


def beside(rows: list[Row]) -> Cells:
    """Our milliseconds, and each peer's with our time by it in brackets; last, by PyTorch's faster format."""
    names = peers(rows)
    cells = [["what", "numpyfa", *(HEADS[name] for name in names), "to faster format"]]
    for row in rows:
        times, ratios = row["milliseconds"], row["ratio"]
        line = [f"{digits(times[name])} ({ratios[name]:.2f})" if name in ratios else "" for name in names]
        faster = max((ratios[name] for name in FORMATS if name in ratios), default=None)
        cells.append([row["what"], digits(times[OURS]), *line, f"{faster:.2f}" if faster else ""])
    return cells


def memory(rows: list[Row]) -> Cells:
    """Peak megabytes, and in brackets without what the library and the data take."""
    names = list(dict.fromkeys(name for row in rows for name in row["megabytes"]))
    cells = [["peak MB", *(HEADS.get(name, name) for name in names)]]
    for row in rows:
        peaks = [row["megabytes"].get(name) for name in names]
        words = [f"{m['peak']:.0f} ({m['training']:.0f})" if m else "" for m in peaks]
        cells.append([row["what"], *words])
    return cells


def peers(rows: list[Row]) -> list[str]:
    """Whom the rows compare with, in the order of HEADS."""
    return [name for name in HEADS if any(name in row["ratio"] for row in rows)]


def speed(row: Row) -> float:
    return 1000 * float(row["batch_size"]) / float(row["milliseconds"][OURS])


def digits(milliseconds: float | None) -> str:
    """A time with three digits or so."""
    return (
        ""
        if milliseconds is None
        else f"{milliseconds:.{0 if milliseconds >= 100 else 1 if milliseconds >= 10 else 2}f}"
    )


def table(rows: Cells) -> list[str]:
    """Rows of words as a Markdown table; the first row is its head."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return [lines[0], "|---" * len(rows[0]) + "|", *lines[1:]]
