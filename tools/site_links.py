"""Count the pages of the built documentation site, and find links inside it that lead nowhere.

    python tools/site_links.py build/site

It prints one line, and a line for each dead link; it exits 1 if there is one. Links to other sites are not followed.
"""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """What a page links to, and what can be linked to in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.anchors: set[str] = {"", "top"}
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        for name, value in attributes:
            if value and name in ("href", "src"):
                self.targets.append(value)
            if value and name in ("id", "name"):
                self.anchors.add(value)


def dead_links(site: Path) -> tuple[int, int, list[str]]:
    """(pages, links, a line for each dead link) of a folder of HTML pages."""
    pages = {
        path.resolve(): Page(path.read_text(encoding="utf-8"))
        for path in site.rglob("*.html")
        if "_static" not in path.parts
    }
    links, dead = 0, []
    for path, page in pages.items():
        for target in page.targets:
            parts = urlsplit(target)
            if parts.scheme or parts.netloc:
                continue
            links += 1
            to = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            to = to / "index.html" if to.is_dir() else to
            known = pages.get(to)
            if not to.exists() or (known and unquote(parts.fragment) not in known.anchors):
                dead.append(f"{path.relative_to(site.resolve())}: {target}")
    return len(pages), links, dead


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or not Path(arguments[0]).is_dir():
        print("expected the folder of a built site: python tools/site_links.py build/site", file=sys.stderr)
        return 2
    pages, links, dead = dead_links(Path(arguments[0]))
    print("\n".join([*dead, f"{pages} pages, {links} links inside the site, {len(dead)} dead"]))
    return 1 if dead or not pages else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
