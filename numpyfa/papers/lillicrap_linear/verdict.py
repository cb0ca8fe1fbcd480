"""The table of what was found beside what the paper has, and what that says."""

import numpy as np

from ...lab.experiment import Settings
from ...lab.tables import Rows, column, over_seeds, pick

LEFT = "e = E x"  # the mean over the errors that are left
ANY = "e of N(0, I)"  # over errors of all directions alike
FIGURE_4 = ((1e-4, "25", "0 to 8"), (0.05, "42", "35"), (0.25, "60 to 73", "55 to 68"))  # scale, to BP, to pseudo-BP


def table(settings: Settings, rows: Rows) -> Rows:
    lines = []

    def say(what: str, value: float, expected: str) -> None:
        lines.append({"what": what, "found": float(value), "expected": expected})

    for rule, lr in settings["learners"]:
        last = pick(rows, part="learn", rule=rule, step=settings["examples"])
        expected = {"bp": "1e-11 to 1e-12", "fa": "1e-11 to 1e-12", "shallow": "stays near 1"}.get(rule, "")
        mean = np.exp(np.log(column(last, "error")).mean())
        say(
            f"error of {rule} after {settings['examples']} examples, step {lr:g}", mean, f"{expected} (read off Fig. 1)"
        )
    fa = pick(rows, part="learn", rule="fa", step=settings["examples"])
    say(f"FA's angle to BP at the end, {LEFT}", column(fa, "angle_bp").mean(), "about 30 (Fig. 1)")
    say(
        f"FA's angle to pseudo-BP at the end, {LEFT}",
        column(fa, "angle_pseudo").mean(),
        "0 to 8, small weights (Fig. 4)",
    )
    say("share of |E|^2 in one singular mode then", column(fa, "first_mode").mean(), "")
    say(f"FA's angle to BP at the end, {ANY}", column(fa, "any_bp").mean(), "")
    say(f"FA's angle to pseudo-BP at the end, {ANY}", column(fa, "any_pseudo").mean(), "")
    for scale, bp, pseudo in FIGURE_4:
        if scale in settings["scales"]:
            at, start = pick(rows, part="scale", scale=scale), f"from weights of {scale:g}"
            say(f"angle to BP {start}, {LEFT}", column(at, "angle_bp").mean(), f"{bp} (Fig. 4)")
            say(f"angle to pseudo-BP {start}, {LEFT}", column(at, "angle_pseudo").mean(), f"{pseudo} (Fig. 4)")
            say(f"share of |E|^2 in one singular mode {start}", column(at, "first_mode").mean(), "")
            say(f"angle to BP {start}, {ANY}", column(at, "any_bp").mean(), "")
            say(f"angle to pseudo-BP {start}, {ANY}", column(at, "any_pseudo").mean(), "")
    t, mean, _ = over_seeds(pick(rows, part="drift"), "dt", "drift")
    say("order in dt of the invariant's drift", np.polyfit(np.log(t), np.log(mean), 1)[0], "1 (exact)")
    V = [column(pick(rows, part="lyapunov", seed=seed), "V") for seed in range(settings["seeds"])]
    say("largest rise of V between two of 100 times", max(np.diff(each).max() for each in V), "at most 0 (theorem 1)")
    ends = pick(rows, part="scalar")
    away = [abs(row["A_end"] - row["A_due"]) for row in ends if abs(2 * row["W"] - row["A"] ** 2 + 3) > 1e-9]
    say("1-1-1: largest distance from where it is due", max(away), "0, but for the size of dt")
    return lines


def verdict(settings: Settings, table: Rows) -> list[str]:
    found = {row["what"]: row["found"] for row in table}
    bp, pseudo = ({e: found[f"FA's angle to {to} at the end, {e}"] for e in (LEFT, ANY)} for to in ("BP", "pseudo-BP"))
    order, rise = (found[name] for name in found if name.startswith(("order in dt", "largest rise")))
    nearer = (
        "nearer to the pseudo-inverse's, as the paper says"
        if all(pseudo[e] < bp[e] for e in (LEFT, ANY))
        else "not nearer to the pseudo-inverse's over both"
    )
    behave = "behave as the proofs say" if abs(order - 1) < 0.1 and rise <= 0 else "do not behave as the proofs say"
    return [
        f"FA's signal ends {pseudo[LEFT]:.1f} degrees from the pseudo-inverse's and {bp[LEFT]:.1f} from BP's over "
        f"{LEFT}, {found['share of |E|^2 in one singular mode then']:.0%} of which is in one mode; "
        f"{pseudo[ANY]:.1f} and {bp[ANY]:.1f} over {ANY}: {nearer}",
        f"the invariant (order {order:.2f} in dt) and Lyapunov's function (largest rise {rise:.1e}) {behave}",
    ]
