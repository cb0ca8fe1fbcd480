"""Figures: one look a rule, layers by name, nothing over anything else; and made anew from the rows alone."""

import importlib.util
import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

import numpyfa as fa
from numpyfa.errors import InputError
from numpyfa.lab import plots, run
from numpyfa.lab.layer_names import layer_names
from numpyfa.lab.looks import LOOKS, looks
from numpyfa.lab.net_figure import draw_nets, short
from numpyfa.lab.protocol import Protocol
from numpyfa.lab.sweep_figure import draw_sweep
from numpyfa.lab.tables import read_rows, write_rows
from numpyfa.papers import EXPERIMENTS
from numpyfa.rules import RULES, VARIANTS

DENSITIES = [f"sparse-pfa:density={density}" for density in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)]


def course(rules, hidden, epochs=20, seeds=3, lacks=()):
    """Made-up rows of nets whose errors and angles fall; the rules of `lacks` have no angle in layer 2."""
    rows, rng = [], np.random.default_rng(0)
    for number, rule in enumerate(rules):
        for seed in range(seeds):
            for epoch in range(epochs + 1):
                fall = np.exp(-epoch) + 0.01 * rng.random()
                row = {"rule": rule, "seed": seed, "epoch": epoch, "loss": fall,
                       "train_error": 80 * fall + 1, "test_error": 80 * fall + 2 + number}  # fmt: skip
                for layer in range(1, hidden + 1):
                    if not (rule in lacks and layer == 2):
                        row[f"angle_{layer}"] = 0 if rule == "bp" else 50 + 40 * fall
                        if rule != "bp":
                            row[f"weight_angle_{layer + 1}"] = 60 + 30 * fall
                rows.append(row)
    return rows


def drawn(draw):
    """The figure that `draw` fills, laid out as it is saved."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with matplotlib.rc_context(plots.STYLE):
        figure = Figure(layout="constrained")
        FigureCanvasAgg(figure)
        draw(figure)
        figure.canvas.draw()
    return figure


def of_nets(rules, net="784-20-8-10", hidden=2, published=None, epochs=20, lacks=()):
    protocol = Protocol(net=net, rules=tuple(rules), epochs=epochs, seeds=3)
    rows = course(rules, hidden, epochs, lacks=lacks)
    return drawn(lambda figure: draw_nets("test", published or {}, figure, asdict(protocol), rows))


def titles(figure):
    return [axes.get_title() for axes in figure.axes if axes.get_title()]


def panel(figure, title):
    return next(axes for axes in figure.axes if axes.get_title() == title)


# How a rule looks


def test_each_of_29_rules_has_a_look_and_no_two_share_colour_and_style():
    assert set(LOOKS) == {*RULES, *VARIANTS} and len(LOOKS) == 29
    assert len({(look.colour, look.style) for look in LOOKS.values()}) == 29


def test_a_rule_looks_the_same_in_every_company_and_with_one_set_of_options():
    assert (
        looks(["fa", "dfa", "bp"])["dfa"] == looks(["dfa"])["dfa"] == looks(["bp", "dfa:layers=1+2"])["dfa:layers=1+2"]
    )


def test_7_words_of_one_rule_differ_in_shade_and_marker_and_share_its_style():
    found = looks(["bp", "sparse-pfa", *DENSITIES])
    assert found["sparse-pfa"] == LOOKS["sparse-pfa"] and list(found)[:2] == ["bp", "sparse-pfa"]
    own = [found[word] for word in ["sparse-pfa", *DENSITIES]]
    assert len({look.colour for look in own}) == len({look.marker for look in own}) == 8
    assert {look.style for look in own} == {LOOKS["sparse-pfa"].style}
    light = [int(found[word].colour[1:3], 16) for word in DENSITIES]
    assert light == sorted(light), "from dark to light"


def test_a_line_with_gaps_lies_above_one_without():
    assert LOOKS["fa"].line()["zorder"] > LOOKS["bp"].line()["zorder"]


# The layers


def test_layers_are_named_by_what_they_are():
    names = layer_names(Protocol("dkp-cnn", data="mnist"))
    assert names == {1: "conv 1", 2: "conv 2", 3: "max pool 3", 4: "dense 4", 5: "dense 5"}
    names = layer_names(Protocol("resnet20", data="mnist"))
    assert [names[number] for number in (1, 4, 13, 14, 31)] == ["conv 1", "sum 4", "subsample 13", "sum 14", "dense 31"]


def test_layers_have_names_where_their_data_is_not(monkeypatch):
    def gone(name, download):
        raise InputError("not on this machine")

    monkeypatch.setattr(fa.data, "load", gone)
    assert layer_names(Protocol("lenet", data="fashion-mnist"))[4] == "dense 4"


# The figure of trained nets


def test_two_hidden_layers_have_a_panel_each_for_deltas_and_for_weights_by_epoch():
    figure = of_nets(["bp", "fa"])
    assert titles(figure) == [
        "error: test (thin: training)", "dense 1: delta to BP's", "dense 2: delta to BP's",
        "dense 2: W$^T$ to its feedback", "dense 3: W$^T$ to its feedback",
    ]  # fmt: skip
    (line,) = [line for line in panel(figure, titles(figure)[-1]).lines if line.get_color() == LOOKS["fa"].colour]
    assert len(line.get_xdata()) == 21 and line.get_xdata()[0] == 0
    assert line.get_ydata()[0] == pytest.approx(90, abs=1)


def test_the_first_of_60_epochs_takes_a_sixth_of_the_axis_at_least():
    axes = panel(of_nets(["bp", "fa"], epochs=60), "dense 1: delta to BP's")
    places = axes.transAxes.inverted().transform([axes.transData.transform((epoch, 45)) for epoch in (0, 1)])
    assert places[1][0] - places[0][0] > 1 / 6


def test_a_line_by_layer_breaks_where_the_rule_has_no_angle():
    figure = of_nets(["bp", "fa", "dfa"], "784-9-9-9-9-9-10", 5, lacks=["dfa"])
    axes = panel(figure, "delta to BP's, last epoch")
    assert [label.get_text() for label in axes.get_xticklabels()] == [f"dense {layer}" for layer in range(1, 6)]
    found = {line.get_color(): line.get_ydata() for line in axes.lines}
    assert np.isnan(found[LOOKS["dfa"].colour]).tolist() == [False, True, False, False, False]
    assert np.isfinite(found[LOOKS["fa"].colour]).all()
    first, second = (line.get_xdata()[0] for line in axes.lines[:2])
    assert first != second, "side by side, so that no point hides another"


def test_published_values_stand_apart_at_the_edge_however_near_they_are():
    printed = {"bp": 9.2, "usf": 9.69, "frsf": 9.61, "brsf": 10.02, "fa": 13.06, "kdfa": 12.81}
    figure = of_nets(printed, published=printed | {"fa weight_angle_2": 61.0})
    axes = panel(figure, "test error")
    boxes = [text.get_window_extent() for text in axes.texts if text.get_text().split()[0] in printed]
    assert len(boxes) == 6 and not any(a.overlaps(b) for n, a in enumerate(boxes) for b in boxes[:n])
    assert [text.get_text() for text in panel(figure, "dense 2: W$^T$ to its feedback").texts] == ["fa 61", "published"]


def test_names_are_moved_apart_by_no_more_than_it_takes():
    assert plots.spread([0.1, 0.5], 0.2) == [0.1, 0.5]
    assert plots.spread([0.5, 0.5, 0.5], 0.1) == pytest.approx([0.4, 0.5, 0.6])
    assert plots.spread([0.95, 1.0], 0.2) == pytest.approx([0.8, 1.0])


@pytest.mark.parametrize("rules", [["bp"], ["bp", "fa"], [*RULES, *VARIANTS, "pfa:expansion=5"]], ids=len)
def test_every_letter_has_7_points_on_a_page_of_180_mm_at_most(rules):
    from matplotlib.text import Text

    figure = of_nets(rules, "784-20-10", 1, published={"bp": 2.0})
    assert figure.get_figwidth() * 25.4 <= 180.01 and figure.get_figheight() * 25.4 <= 240
    assert min(text.get_fontsize() for text in figure.findobj(Text)) >= 7
    size = figure.bbox
    for axes in figure.axes:
        box = axes.get_tightbbox()
        assert box.x0 > -2 and box.x1 < size.x1 + 2 and box.y0 > -2 and box.y1 < size.y1 + 2, axes.get_title()
    (legend,) = figure.legends or [axes.get_legend() for axes in figure.axes if axes.get_legend()]
    assert len(legend.get_texts()) == len(rules)


def test_20_equal_layers_are_counted():
    assert short("784-" + "240-" * 20 + "10") == "784-20x240-10" and short("784-200-200-100-10") == "784-200-200-100-10"


def test_a_band_that_reaches_0_does_not_stretch_a_logarithmic_axis():
    def draw(figure):
        axes = figure.subplots()
        plots.band(axes, [1, 2], np.array([1.0, 2.0]), np.array([5.0, 5.0]), "k", "-", None)
        plots.logarithmic(axes)

    assert drawn(draw).axes[0].get_ylim() == pytest.approx((1 / 1.3, 2.6))


def test_an_error_of_0_has_a_place_on_its_axis_and_else_none():
    def draw(figure):
        for axes, low in zip(figure.subplots(1, 2), (0.0, 2.0)):
            axes.plot([1, 2], [low, 20])
            plots.percents(axes)

    with_0, without = drawn(draw).axes
    assert with_0.get_ylim()[0] == 0 and with_0.get_yticks()[0] == 0
    assert without.get_ylim()[0] == pytest.approx(2 / 1.1) and 2 in without.get_yticks()


def test_tuned_rules_have_a_panel_a_case_and_leave_out_what_diverged():
    rows = [{"case": case, "rule": rule, "stage": stage, "seed": 0, "epochs": 1, "point": f"lr={lr},hidden_lr=1.0",
             "held_out_error" if stage == "trial" else "test_error": np.nan if lr == 1.0 else 100 * lr + (rule == "fa")}
            for case in ("small", "large") for rule in ("bp", "fa")
            for stage, lr in (("trial", 0.1), ("trial", 0.3), ("trial", 1.0), ("test", 0.1))]  # fmt: skip
    settings = {"cases": {"small": {}, "large": {}}, "points": [{"lr": lr, "hidden_lr": 1.0} for lr in (0.1, 0.3, 1.0)]}
    figure = drawn(lambda figure: draw_sweep("test", figure, settings, rows))
    assert titles(figure) == ["small", "large"]
    np.testing.assert_allclose(
        figure.axes[0].lines[2].get_ydata(), [11, 31, np.nan]
    )  # each rule's mark follows its line
    assert [text.get_text() for text in figure.axes[0].texts] == ["bp 10.00", "fa 11.00", "test"]


# Files


def test_the_same_figure_is_the_same_files_and_holds_no_date(tmp_path):
    for name in ("a", "b"):
        plots.save(tmp_path / name, lambda figure: figure.subplots().plot([1, 2], [3, 4], "o-"))
    for kind in ("png", "svg"):
        assert (tmp_path / f"a.{kind}").read_bytes() == (tmp_path / f"b.{kind}").read_bytes()
    assert b"<dc:date>" not in (tmp_path / "a.svg").read_bytes()


def test_rows_come_back_from_a_table_as_they_were(tmp_path):
    rows = [{"rule": "pfa:expansion=5", "seed": 0, "error": 0.1}, {"rule": "bp", "seed": 1, "angle": 1e-17, "k": "5a"}]
    write_rows(tmp_path / "x.csv", rows, ["rule", "seed", "error", "angle", "k"])
    assert read_rows(tmp_path / "x.csv") == rows


@pytest.fixture(scope="module")
def redraw():
    spec = importlib.util.spec_from_file_location("redraw", Path(__file__).parents[1] / "tools" / "redraw.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_tables_verdicts_and_figures_are_made_anew_without_training(
    redraw, tmp_path, capsys, monkeypatch, in_this_process
):
    out, name = tmp_path / "run", "kolen-pollack"
    tiny = {"seeds": 1, "examples": 40, "epochs": 1, "cases": {"SGD, no decay": ["sgd", 0.1, 0.0, False]}}
    each = replace(EXPERIMENTS[name], settings=EXPERIMENTS[name].settings | tiny)
    run.run(each, each.settings, out)
    before = {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}
    monkeypatch.setitem(EXPERIMENTS, name, replace(each, work=None))
    for figure in out.glob("figure.*"):
        figure.unlink()
    assert redraw.main([str(out)]) == 0 and capsys.readouterr().out == "run: the figure is drawn\n"
    assert before == {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}

    summary = json.loads((out / "summary.json").read_text())
    summary["verdict"] = ["it is another now"]
    (out / "summary.json").write_text(json.dumps(summary))
    assert redraw.main([str(out)]) == 0 and "the summary has changed" in capsys.readouterr().out
    assert (out / "summary.json").read_bytes() == before["summary.json"]


def test_what_holds_no_results_is_refused_in_a_line_and_the_others_are_drawn(redraw, tmp_path, capsys, monkeypatch):
    asked = []
    monkeypatch.setattr(redraw, "redraw", lambda folder, ask=redraw.redraw: asked.append(folder) or ask(folder))
    (tmp_path / "summary.json").write_text('{"experiment": "nonesuch", "settings": {}, "rows": [], "verdict": []}')
    (tmp_path / "history.csv").write_text("a\n1\n")
    assert redraw.main([str(tmp_path / "none"), str(tmp_path)]) == 2 and len(asked) == 2
    first, second = capsys.readouterr().err.splitlines()
    assert "none must hold a history.csv and a summary.json" in first and "unknown experiment 'nonesuch'" in second


def test_a_number_counts_as_the_same_but_for_its_last_digit(redraw):
    assert redraw.alike([{"a": 0.1 + 0.2, "b": None}], [{"a": 0.3, "b": None}])
    assert not redraw.alike([{"a": 0.3}], [{"a": 0.3001}]) and not redraw.alike([{"a": 1}], [{"b": 1}])
