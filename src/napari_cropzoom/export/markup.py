"""HTML and SVG by construction: what is not markup already is escaped."""

from __future__ import annotations

import html
import json
from base64 import b64encode


class Markup(str):
    """Text that is markup already and stays as it is."""

    __slots__ = ()


def tag(name: str, /, *children: str, **attributes: object) -> Markup:
    """An element; children that are no :class:`Markup` are escaped.

    A trailing ``_`` of an attribute's name is dropped (``class_``), others become ``-``. An attribute
    that is None or False is left out, and True stands without a value.
    """
    said = []
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        word = key.rstrip("_").replace("_", "-")
        said.append(f" {word}" if value is True else f' {word}="{html.escape(_text(value))}"')
    start = f"<{name}{''.join(said)}"
    if not children:
        return Markup(f"{start}>" if name in _VOID else f"{start}></{name}>")
    return Markup(f"{start}>{joined(*children)}</{name}>")


def joined(*children: str) -> Markup:
    """Children side by side, escaped where they are no markup."""
    return Markup("".join(each if isinstance(each, Markup) else html.escape(each) for each in children))


def data_uri(content: bytes, kind: str) -> str:
    """A file inside the page, ``kind`` such as ``image/png``."""
    return f"data:{kind};base64,{b64encode(content).decode()}"


def as_script(content: object) -> Markup:
    """JSON that may stand in a ``<script>``: nothing in it can end the element."""
    text = json.dumps(content, allow_nan=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029"))


def _text(value: object) -> str:
    return f"{round(value, 3):g}" if isinstance(value, float) else str(value)


_VOID = frozenset({"br", "hr", "img", "input", "link", "meta"})
