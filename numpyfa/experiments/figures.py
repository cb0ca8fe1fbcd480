"""The figure of a run: errors and angles over epochs, mean and standard deviation over seeds.

Readable in print and by the colour-blind: the colours are Okabe & Ito's, and line styles tell the same story.
"""

import matplotlib
import numpy as np
from matplotlib.figure import Figure  # without pyplot: no window, no global state

COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
STYLES = ["-", "--", ":", "-."]
TICKS = [0, 0.1, 0.3, 1, 3, 10, 30, 90]
STYLE = {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "grid.alpha": 0.3}


DEEP = 4  # from so many hidden layers on, the angles are drawn by layer, at the end, instead of by epoch


def draw_figure(file, experiment, protocol, histories):
    """Left: train and test error of each rule. Right: the delta angle of each hidden layer against BP, by epoch; for a
    deep net by layer, at the last epoch, and beside it the angle of W^T to what stands in its place."""
    last = [histories[name, 0][-1] for name in protocol.rules]
    deep = max(sum(column.startswith("angle_") for column in row) for row in last) >= DEEP
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(13 if deep else 9, 3.6), layout="constrained")
        errors, angles, *rest = figure.subplots(1, 2 + deep)
        for number, name in enumerate(protocol.rules):
            runs = [histories[name, seed] for seed in range(protocol.seeds)]
            colour = COLOURS[number % len(COLOURS)]
            curve(errors, runs, "test_error", colour, "-", f"{name.upper()} test")
            curve(errors, runs, "train_error", colour, "--", f"{name.upper()} train")
            columns = [column for column in runs[0][0] if column.startswith("angle_")]
            if name != "bp" and deep:
                style, weights = STYLES[number % len(STYLES)], [c for c in runs[0][0] if c.startswith("weight_angle_")]
                by_layer(angles, runs, columns, colour, style, name.upper())
                if weights:
                    by_layer(rest[0], runs, weights, colour, style, name.upper())
            elif name != "bp":
                for style, column in zip(STYLES * len(columns), columns):
                    label = f"{name.upper()} layer {column.removeprefix('angle_')}"
                    curve(angles, runs, column, colour, style, label, start=0)
            if name in experiment.published:
                errors.axhline(experiment.published[name], color=colour, lw=0.8, ls=(0, (1, 3)))
                value = experiment.published[name]
                errors.annotate(f"published {name.upper()}: {value} %", (0.98, value), ha="right", va="bottom",
                                xycoords=("axes fraction", "data"), fontsize=7, color=colour)  # fmt: skip
        errors.set(xlabel="epoch", ylabel="error (%)", title=f"{protocol.net} on {protocol.data}")
        top = errors.get_ylim()[1]
        errors.set_yscale("symlog", linthresh=0.1)  # logarithmic, but with a place for 0 %
        errors.set_yticks(TICKS, [f"{tick:g}" for tick in TICKS])
        errors.minorticks_off()
        errors.set_ylim(0, top)
        angles.set(
            xlabel="hidden layer" if deep else "epoch", ylabel="angle to the BP delta (degrees)", title="alignment"
        )
        angles.set_ylim(0, max(95, angles.get_ylim()[1]))  # beyond 90 degrees is anti-alignment
        angles.axhline(90, color="0.5", lw=0.8)
        for axes in rest:
            axes.set(
                xlabel="layer", ylabel="angle of W^T to what stands for it (degrees)", title="weights", ylim=(0, 95)
            )
        for axes in (errors, angles, *rest):
            labels = axes.get_legend_handles_labels()[0]
            if labels:
                axes.legend(fontsize=6 if len(labels) > 8 else 7, frameon=False, ncols=1 + len(labels) // 9)
        seeds = "1 seed" if protocol.seeds == 1 else f"mean and s.d. of {protocol.seeds} seeds"
        figure.suptitle(f"{experiment.name}: {seeds}, batch {protocol.batch_size}, step {protocol.lr:g}", fontsize=9)
        figure.savefig(file, dpi=150, format="png")


def by_layer(axes, runs, columns, colour, style, label):
    """The mean over runs of each layer's angle at the last epoch, with a bar of one standard deviation."""
    values = np.array([[run[-1].get(column, np.nan) for column in columns] for run in runs], float)
    layers = [int(column.rpartition("_")[2]) for column in columns]
    spread = values.std(axis=0, ddof=1) if len(runs) > 1 else None
    axes.errorbar(layers, values.mean(axis=0), spread, color=colour, ls=style, lw=1.3, marker="o", ms=3, label=label)


def curve(axes, runs, column, colour, style, label, start=1):
    """The mean over runs of one column from epoch `start`, with a band of one standard deviation."""
    rows = list(zip(*([row for row in run if row["epoch"] >= start] for run in runs)))
    epochs = [row[0]["epoch"] for row in rows]
    values = np.array([[each[column] for each in row] for row in rows], float)
    mean, spread = values.mean(axis=1), values.std(axis=1, ddof=1) if values.shape[1] > 1 else 0
    axes.plot(epochs, mean, style, color=colour, lw=1.3, label=label, marker="o" if len(epochs) == 1 else None)
    if values.shape[1] > 1:
        axes.fill_between(epochs, mean - spread, mean + spread, color=colour, alpha=0.15, lw=0)
