"""How the cost of a BP step grows with batch, image side and depth, beside PyTorch in both memory formats.

    python benchmarks/growth.py --out FILE.json        # needs numpyfa[bench]; about 6 minutes; draws FILE.png, .svg
    python benchmarks/growth.py --draw FILE.json       # the figure alone, again

He et al.'s residual nets for CIFAR in float32, plain SGD, from one point outwards: ResNet-20, batch 64, 32 x 32. The
batch goes from 16 to 512, the side from 16 to 64, the depth over 8, 20 and 56 layers. Each point is measured in fresh
processes that take turns (worker.py): the median time of a step, and the peak memory of the process, with the library.
"""

from pathlib import Path

from peers import numpyfa_steps, torch_steps
from worker import OURS, Results, compare, options_of, peak_of, serve, start

NAMES = {OURS: "numpyfa", "torch": "PyTorch", "channels_last": "PyTorch, channels last"}
AXES = {
    "batch": [("resnet20", batch, 32) for batch in (16, 32, 64, 128, 256, 512)],
    "side": [("resnet20", 64, side) for side in (16, 32, 48, 64)],
    "depth": [(f"resnet{depth}", 64, 32) for depth in (8, 20, 56)],
}
LABELS = {"batch": "batch", "side": "image side (pixels)", "depth": "layers"}


def place(axis, net, batch, side):
    """Where a point stands along an axis."""
    return {"batch": batch, "side": side, "depth": int(net.removeprefix("resnet"))}[axis]


def name_of(net, batch, side):
    return f"{net}, batch {batch}, {side} x {side}"


def measure(options):
    results = Results(options, threads=options.threads, device=options.device)
    print(f"{'milliseconds, MB':32}" + "".join(f"{name:>22}" for name in NAMES))
    for net, batch, side in dict.fromkeys(point for points in AXES.values() for point in points):
        what = name_of(net, batch, side)
        if not results.wants(what):
            continue
        workers = {name: start(options, name) for name in NAMES}
        row = {"what": what, "net": net, "batch_size": batch, "side": side}
        row |= compare(options, workers, dict.fromkeys(NAMES, (net, "bp", batch, side)))
        row["megabytes"] = {name: peak_of(workers[name], net, "bp", batch, side) for name in row["milliseconds"]}
        for worker in workers.values():
            worker.close()
        cells = [
            f"{row['milliseconds'][name]:9.1f} {row['megabytes'][name]['peak']:6.0f} MB" for name in row["megabytes"]
        ]
        print(f"{what:32}" + "".join(f"{cell:>22}" for cell in cells), flush=True)
        results.add(row)
    results.finish()
    return list(results.rows.values())


def draw(figure, rows):
    """Above the time of a step, below the peak memory; a column an axis."""
    from numpyfa.lab.plots import COLOURS, PAGE, STYLES

    found = {row["what"]: row for row in rows}
    figure.set_size_inches(PAGE, 4.3)
    grid = figure.subplots(2, len(AXES), sharey="row", sharex="col")
    for column, (axis, points) in enumerate(AXES.items()):
        points = [point for point in points if name_of(*point) in found]
        places = [place(axis, *point) for point in points]
        for number, (name, label) in enumerate(NAMES.items()):
            for line, value in zip(grid[:, column], (lambda row, name: row["milliseconds"][name],
                                                     lambda row, name: row["megabytes"][name]["peak"])):  # fmt: skip
                here = [found[name_of(*point)] for point in points]
                have = [(x, value(row, name)) for x, row in zip(places, here) if name in row["milliseconds"]]
                line.plot(*zip(*have), color=COLOURS[number], ls=STYLES[number], marker="os^"[number], label=label)
        grid[1, column].set(xlabel=LABELS[axis])
        for axes in grid[:, column]:
            axes.set(xscale="log", yscale="log")
            axes.set_xticks(places, [str(x) for x in places])
            axes.minorticks_off()
    grid[0, 0].set(ylabel="a step (ms)")
    grid[1, 0].set(ylabel="peak memory (MB)")
    for row, ticks in zip(grid, ((10, 30, 100, 300, 1000, 3000), (100, 300, 1000, 3000))):
        low, high = row[0].get_ylim()
        row[0].set_yticks([tick for tick in ticks if low < tick < high], [str(t) for t in ticks if low < t < high])
        row[0].set_ylim(low, high)
    grid[0, 0].legend()
    figure.suptitle("A BP step in float32; where it does not vary: ResNet-20, batch 64, 32 x 32")


def save(path, rows):
    from numpyfa.lab import plots

    plots.save(path.with_suffix(""), lambda figure: draw(figure, rows))


def main():
    options = options_of(__doc__, lambda parser: parser.add_argument("--draw", type=Path, metavar="FILE"))
    if options.serve == OURS:
        return serve(lambda: numpyfa_steps(options), options.threads, options.device)
    if options.serve:
        return serve(lambda: torch_steps(options, options.serve), options.threads, options.device)
    if options.draw:
        import json

        return save(options.draw.with_suffix(".png"), json.loads(options.draw.read_text(encoding="utf-8"))["rows"])
    rows = measure(options)
    if options.out:
        save(options.out.with_suffix(".png"), rows)


if __name__ == "__main__":
    main()
