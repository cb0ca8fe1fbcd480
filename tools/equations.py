"""Equations of the rules' docstrings in LaTeX, and LaTeX as MathML, which browsers typeset without a script."""

import re

from latex2mathml.converter import convert

GREEK = {"alpha", "beta", "gamma", "delta", "eta", "theta"}
NAMES = {"error", "target", "sign", "softmax", "fold", "rate", "mask", "lr"}  # of more than one letter, set upright
SIGNS = {
    "<-": r"\leftarrow",
    "->": r"\to",
    ">=": r"\ge",
    "*": r"\odot",
    "^T": r"^\top",
    "^+": r"^{+}",
    "..": r"\cdots",
}
WORD = r"[A-Za-z]{2,}(?:-[A-Za-z]{2,})*(?:'s)?"  # a hyphen between words joins them; minus has a space beside it
ARTICLE = r"(?<![^ ])a(?= [a-z]{2})"  # not the letter: between words, before one in lower case
TOKEN = re.compile(rf"target_lr|{WORD}|[A-Za-z]+'s|{ARTICLE}|<-|->|>=|\.\.|\^T|\^\+|\*|.", re.S)
PART = r",  |(?<=:)  |(?<=\)), (?=[a-z]{2,} [a-z])"  # what parts what stands in one line
Parts = list[tuple[str, str]]  # (kind, text), of kind "math", "name" or "words"


def latex(equation: str) -> str:
    """One equation, such as "e_l = g_l(h), g_l a learned inverse", in LaTeX. Other words stay words."""
    parts: Parts = []
    for token in TOKEN.findall(equation.replace("`", "")):
        if token == "target_lr":
            parts.append(("math", r"\mathrm{lr}_{\mathrm{target}}"))
        elif token in GREEK:
            parts.append(("math", rf"\{token}"))
        elif token in NAMES:
            parts.append(("name", token))
        elif token == "a" or re.fullmatch(r"[A-Za-z'-]{2,}", token) and not re.fullmatch(r"d[A-Zc]", token):
            parts.append(("words", token))
        else:
            parts.append(("math", SIGNS.get(token, token)))
    text = re.sub(r" +", " ", "".join(_joined(_names(parts))))
    return re.sub(r"(^|[(=+/-]|\\leftarrow|\\odot)( ?)\\, ", r"\1\2", text).strip()  # no gap where no factor is before


def _names(parts: Parts) -> Parts:
    """Names as mathematics, with a gap to the factors beside them, but in the middle of a text as words."""
    told = [each for each in parts if each[1] != " "]
    found, place = [], -1
    for number, (kind, text) in enumerate(parts):
        place += text != " "
        if kind != "name":
            found.append((kind, text))
        elif 0 < place < len(told) - 1 and told[place - 1][0] == told[place + 1][0] == "words":
            found.append(("words", text))
        else:
            after = "".join(text for _, text in parts[number + 1 : number + 3])
            gap = r" \," if re.match(r" [\\(A-Za-z]", after) and not after.startswith(r" \o") else ""
            found.append(("math", rf"\, \mathrm{{{text}}}{gap}"))
    return found


def _joined(parts: Parts) -> list[str]:
    """Words that follow each other, with what is between them, as one text."""
    found: list[str] = []
    place = 0
    while place < len(parts):
        kind, text = parts[place]
        if kind == "math":
            found.append(text + (" " if text.startswith("\\") else ""))
            place += 1
            continue
        end = place + 1
        while end < len(parts) and (parts[end][0] == "words" or parts[end][1] in " ,:;"):
            end += 1
        found.append(rf"\text{{ {''.join(text for _, text in parts[place:end]).strip()} }} ")
        place = end
    return found


def is_equation(part: str) -> bool:
    """Whether a part of a docstring's equations is one; "B random and fixed" and "M >= 0 redrawn" say what holds."""
    return " = " in part or " <- " in part


def section(text: str) -> list[str]:
    """A docstring's section "Equation" as Markdown: each equation by itself, and what is said of it as text. Two spaces
    after a comma or colon part what stands in one line, and so does a comma before words alone."""
    found = []
    for part in [part for line in text.splitlines() for part in re.split(PART, line.strip()) if part]:
        if is_equation(part):
            found.append(f"$${latex(part)}$$")
        else:
            words = prose(part)
            found.append(words[0].upper() + words[1:] + ("" if words.endswith(":") else "."))
    return found


def inline(text: str) -> str:
    """A line of equations and words, as a rule's docstring begins with, as Markdown within a paragraph."""
    parts = re.split(r", (?![^(]*\))", text)
    return ", ".join(f"${latex(part)}$" if is_equation(part) else prose(part) for part in parts)


def prose(text: str) -> str:
    """Words as they are, and the letters and signs among them as mathematics."""
    found: list[str] = []
    for piece in text.split():
        if re.fullmatch(rf"`.*`\W*|\(?(?:{WORD}|a)[,;:.)]*", piece):
            found.append(piece)
            continue
        sign, mark = re.fullmatch(r"(.*?)([,;:]?)", piece).groups()  # type: ignore[union-attr]  # it matches all
        if found and found[-1].endswith("$"):
            found[-1] = f"{found[-1][:-1]} {latex(sign)}${mark}"
        else:
            found.append(f"${latex(sign)}${mark}")
    return " ".join(found)


def mathml(source: str, display: bool = False) -> str:
    """LaTeX as MathML."""
    return str(convert(source, display="block" if display else "inline"))
