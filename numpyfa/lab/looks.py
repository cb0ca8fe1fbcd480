"""How each rule is drawn: one colour and one line style, the same in every figure.

Readable in print and by the colour-blind: the colours are Okabe & Ito's and a wine red, and no two rules of one colour
share a line style. A colour is a family, so that what is alike looks alike. The rules that are drawn together most
often (bp, fa, dfa, kp, pfa, usf) differ in colour, and those that lie on each other most often in style too.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from .spelling import base

SOLID, DASHED, DOTTED, DASHDOT = "-", (0, (4, 1.5)), (0, (1, 1.2)), (0, (6, 1.5, 1, 1.5))
TWO_DOTS, LONG = (0, (6, 1.5, 1, 1.5, 1, 1.5)), (0, (9, 2.5))
STYLES = [SOLID, DASHED, DOTTED, DASHDOT, TWO_DOTS, LONG]
MARKERS = "os^Dv*PX<>hdp"

BLACK, BLUE, SKY, VERMILION = "#000000", "#0072B2", "#56B4E9", "#D55E00"
GREEN, ORANGE, PURPLE, WINE = "#009E73", "#E69F00", "#CC79A7", "#882255"
GREY = "#7F7F7F"
COLOURS = [BLUE, GREEN, PURPLE, ORANGE, SKY, WINE, GREY]  # for lines that are no rule's: without bp's and fa's


@dataclass(frozen=True)
class Look:
    """The colour and style of a line, and the marker of a point."""

    colour: str
    style: Any
    marker: str = "o"

    def line(self) -> dict[str, Any]:
        """As `plot` takes it. A line with gaps lies above one with fewer, so that both are seen where they meet."""
        return {"color": self.colour, "ls": self.style, "zorder": 2 + 0.1 * STYLES.index(self.style)}


LOOKS = {
    # BP and what it is compared with
    "bp": Look(BLACK, SOLID, "o"),
    "pseudo": Look(BLACK, DASHED, "s"),
    "shallow": Look(BLACK, DOTTED, "^"),
    "greedy": Look(BLACK, DASHDOT, "D"),
    # random and fixed, from layer to layer
    "fa": Look(VERMILION, DASHED, "s"),
    "lra-e": Look(VERMILION, DOTTED, "^"),
    "ifa": Look(VERMILION, DASHDOT, "D"),
    # random and fixed, direct
    "dfa": Look(BLUE, DASHDOT, "^"),
    "sdfa": Look(BLUE, DOTTED, "v"),
    "drtp": Look(BLUE, DASHED, "s"),
    "sparse-dfa": Look(BLUE, TWO_DOTS, "D"),
    "kdfa": Look(SKY, SOLID, "o"),
    "cdfa": Look(SKY, DASHDOT, "^"),
    "bdfa": Look(SKY, DASHED, "s"),
    "cbdfa": Look(SKY, DOTTED, "v"),
    # the signs of W
    "usf": Look(GREEN, SOLID, "v"),
    "brsf": Look(GREEN, DASHED, "s"),
    "frsf": Look(GREEN, DOTTED, "^"),
    # feedback that learns
    "kp": Look(PURPLE, SOLID, "D"),
    "wm": Look(PURPLE, DASHED, "s"),
    "dkp": Look(PURPLE, DASHDOT, "^"),
    "pfa": Look(ORANGE, SOLID, "P"),
    "pfa-o": Look(ORANGE, DASHED, "s"),
    "sparse-pfa": Look(ORANGE, DOTTED, "^"),
    "sa": Look(WINE, SOLID, "o"),
    "aa": Look(WINE, DASHED, "s"),
    "ia": Look(WINE, DOTTED, "^"),
    "dtp": Look(WINE, DASHDOT, "D"),
    "sdtp": Look(WINE, TWO_DOTS, "v"),
}


def looks(words: Iterable[str]) -> dict[str, Look]:
    """The look of each word, which may carry options: pfa:expansion=5 looks as pfa does.

    Several words of one rule keep its style, and differ in shade, from dark to light, and in marker; without options
    it has its own.
    """
    words = list(words)
    found: dict[str, Look] = {}
    for name in dict.fromkeys(map(base, words)):
        own = [word for word in words if base(word) == name]
        shaded = [word for word in own if word != name] if len(own) > 1 else []
        found |= dict.fromkeys(own, LOOKS[name])
        for place, word in enumerate(shaded):
            colour = shade(LOOKS[name].colour, place / max(1, len(shaded) - 1))
            found[word] = replace(LOOKS[name], colour=colour, marker=marker(LOOKS[name].marker, place + 1))
    return {word: found[word] for word in words}


def shade(colour: str, depth: float) -> str:
    """The colour mixed with black (depth 0, six tenths of it) to white (depth 1, four tenths of it)."""
    channels = [int(colour[place : place + 2], 16) for place in (1, 3, 5)]
    share = depth - 0.6  # below 0 of black, above it of white
    mixed = [round(each * (1 + share) if share < 0 else each + (255 - each) * share) for each in channels]
    return "#{:02X}{:02X}{:02X}".format(*mixed)


def marker(first: str, place: int) -> str:
    """The marker so many places after `first`."""
    return MARKERS[(MARKERS.index(first) + place) % len(MARKERS)]
