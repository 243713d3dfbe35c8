"""One HTML file that needs no other file and no network: style and script are in it."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterable, Sequence
from importlib.resources import files

from napari_cropzoom.export.markup import Markup, joined, tag
from napari_cropzoom.export.report.methods import program_version

SUFFIXES = (".html", ".htm")


def sheet(title: str, parts: Iterable[Markup]) -> str:
    """The whole file; a browser is told to load nothing and to run no script but the one in it."""
    script = Markup((files(__package__) / "page.js").read_text("utf-8"))
    style = Markup((files(__package__) / "page.css").read_text("utf-8"))
    digest = b64encode(hashlib.sha256(script.encode()).digest()).decode()
    rules = f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=rules),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="generator", content=f"napari-cropzoom {program_version()}"),
        tag("title", title),
        tag("style", style),
    )
    body = tag("body", tag("main", tag("h1", title), *parts), tag("script", script))
    return f"<!DOCTYPE html>\n{tag('html', head, body, lang='en')}\n"


def table(
    heads: Sequence[str],
    rows: Iterable[Sequence[str]],
    numbers: Iterable[int] = (),
    hashes: Iterable[int] = (),
    names: Iterable[int] = (),
) -> Markup:
    """A table that scrolls sideways if it is too wide; of numbers, hashes and long names the columns."""
    looks = {
        **dict.fromkeys(numbers, "number"),
        **dict.fromkeys(hashes, "hash"),
        **dict.fromkeys(names, "name"),
    }

    def line(cells: Sequence[str], kind: str) -> Markup:
        return tag("tr", *(tag(kind, cell, class_=looks.get(place)) for place, cell in enumerate(cells)))

    body = joined(*(line(cells, "td") for cells in rows))
    inside = tag("table", tag("thead", line(heads, "th")), tag("tbody", body))
    return tag("div", inside, class_="wide", tabindex=0)  # the keyboard reaches what it scrolls
