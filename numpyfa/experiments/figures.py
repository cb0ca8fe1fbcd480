"""The figure of a run: errors and angles over epochs, mean and standard deviation over seeds.

Readable in print and by the colour-blind: the colours are Okabe & Ito's, and line styles tell the same story.
"""

import matplotlib
import numpy as np
from matplotlib.figure import Figure  # without pyplot: no window, no global state
from matplotlib.ticker import MaxNLocator

COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
STYLES = ["-", "--", ":", "-."]
TICKS = [0, 0.1, 0.3, 1, 3, 10, 30, 90]
STYLE = {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "grid.alpha": 0.3}


DEEP = 4  # from so many hidden layers on, the angles are drawn by layer, at the end, instead of by epoch


def draw_figure(file, experiment, protocol, histories):
    """The errors of each rule by epoch and its angles to BP, in the form that suits the depth of the net."""
    runs = {name: [histories[name, seed] for seed in range(protocol.seeds)] for name in protocol.rules}
    depth = max(len(columns(each, "angle_")) for each in runs.values())

    def draw(figure):
        (draw_deep if depth >= DEEP else draw_shallow)(figure, experiment, protocol, runs)
        seeds = "1 seed" if protocol.seeds == 1 else f"mean and s.d. of {protocol.seeds} seeds"
        figure.suptitle(f"{experiment.name}: {seeds}, batch {protocol.batch_size}, step {protocol.steps()}", fontsize=9)

    save(file, draw)


def save(file, draw):
    """Let `draw(figure)` fill a figure in the common style, and write it as PNG."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(layout="constrained")
        draw(figure)
        figure.savefig(file, dpi=150, format="png")


def draw_shallow(figure, experiment, protocol, runs):
    """Left: train and test error. Right: the delta angle of each hidden layer, by epoch."""
    figure.set_size_inches(9, 3.6)
    errors, angles = figure.subplots(1, 2)
    for number, (name, own) in enumerate(runs.items()):
        colour = COLOURS[number % len(COLOURS)]
        curve(errors, own, "test_error", colour, "-", f"{name.upper()} test")
        curve(errors, own, "train_error", colour, "--", f"{name.upper()} train")
        found = columns(own, "angle_")
        if name != "bp":
            for style, column in zip(STYLES * len(found), found):
                curve(angles, own, column, colour, style, f"{name.upper()} layer {layer_of(column)}", start=0)
        if name in experiment.published:
            errors.axhline(experiment.published[name], color=colour, lw=0.8, ls=(0, (1, 3)))
            errors.annotate(f"poster: {experiment.published[name]} %", (0.98, experiment.published[name]),
                            xycoords=("axes fraction", "data"), ha="right", va="bottom", fontsize=7,
                            color=colour)  # fmt: skip
    errors.set(xlabel="epoch", ylabel="error (%)", title=f"{protocol.net} on {protocol.data}")
    top = errors.get_ylim()[1]
    errors.set_yscale("symlog", linthresh=0.1)  # logarithmic, but with a place for 0 %
    errors.set_yticks(TICKS, [f"{tick:g}" for tick in TICKS])
    errors.minorticks_off()
    errors.set_ylim(0, top)
    degrees(angles, "alignment", "epoch", "angle to the BP delta (degrees)")
    for axes in (errors, angles):
        if axes.get_legend_handles_labels()[0]:
            axes.legend(fontsize=7, frameon=False)


def draw_deep(figure, experiment, protocol, runs):
    """Left: train and test error by epoch. Then by layer, at the last epoch: the delta angle, and where a rule has one
    the angle of W^T to what stands in its place. One legend for all."""
    weights = any(columns(own, "weight_angle_") for own in runs.values())
    figure.set_size_inches(12 if weights else 9, 4)
    errors, angles, *rest = figure.subplots(1, 2 + weights)
    for number, (name, own) in enumerate(runs.items()):
        colour, style = COLOURS[number % len(COLOURS)], STYLES[number % len(STYLES)]
        curve(errors, own, "test_error", colour, "-", name)
        curve(errors, own, "train_error", colour, (0, (1, 2)), None)
        if name in experiment.published:
            errors.plot(1.02, experiment.published[name], "<", color=colour, ms=5, clip_on=False,
                        transform=errors.get_yaxis_transform())  # fmt: skip
        if name != "bp":
            by_layer(angles, own, columns(own, "angle_"), colour, style, name)
            for axes in rest:
                by_layer(axes, own, columns(own, "weight_angle_"), colour, style, name)
    published = ", published at the edge" if experiment.published else ""
    errors.set(xlabel="epoch", ylabel="error (%)", yscale="log", title=f"{protocol.net} on {protocol.data}")
    errors.set_xlabel(f"epoch (lines: test, dots: train{published})")
    low, high = errors.get_ylim()
    ticks = [tick for tick in (0.1, 0.2, 0.5, 1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 90) if low <= tick <= high]
    errors.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    errors.minorticks_off()
    errors.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    degrees(angles, "alignment", "hidden layer", "angle to the BP delta (degrees)")
    for axes in rest:
        degrees(axes, "weights", "layer", "angle of W^T to what stands for it (degrees)")
    figure.legend(*errors.get_legend_handles_labels(), loc="outside lower center", ncols=len(runs), frameon=False)


def columns(runs, prefix):
    """The columns of a rule's history that hold one number a layer, under this prefix."""
    return [column for column in runs[0][-1] if column.startswith(prefix)]


def layer_of(column):
    return int(column.rpartition("_")[2])


def degrees(axes, title, across, along):
    axes.set(xlabel=across, ylabel=along, title=title)
    axes.set_ylim(0, max(95, axes.get_ylim()[1]))  # beyond 90 degrees is anti-alignment
    axes.axhline(90, color="0.5", lw=0.8)


def by_layer(axes, runs, columns, colour, style, label):
    """The mean over runs of each layer's angle at the last epoch, with a bar of one standard deviation."""
    if not columns:
        return
    values = np.array([[run[-1].get(column, np.nan) for column in columns] for run in runs], float)
    layers = [layer_of(column) for column in columns]
    spread = values.std(axis=0, ddof=1) if len(runs) > 1 else None
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.errorbar(layers, values.mean(axis=0), spread, color=colour, ls=style, lw=1.3, marker="o", ms=3, label=label)


def curve(axes, runs, column, colour, style, label, start=1):
    """The mean over runs of one column from epoch `start`, with a band of one standard deviation."""
    rows = list(zip(*([row for row in run if row["epoch"] >= start] for run in runs)))
    epochs = [row[0]["epoch"] for row in rows]
    values = np.array([[each[column] for each in row] for row in rows], float)
    mean, spread = values.mean(axis=1), values.std(axis=1, ddof=1) if values.shape[1] > 1 else 0
    axes.plot(epochs, mean, ls=style, color=colour, lw=1.3, label=label, marker="o" if len(epochs) == 1 else None)
    if values.shape[1] > 1:
        axes.fill_between(epochs, mean - spread, mean + spread, color=colour, alpha=0.15, lw=0)
