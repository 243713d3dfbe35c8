"""Pages that mkdocs makes from the code: every flag of every verb."""

from __future__ import annotations

import argparse
import os
from typing import Any
from unittest import mock

MARK = "<!-- flags -->"
WIDTH = 100  # letters of a line


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Put the flags where a page asks for them; called by mkdocs for each page."""
    return markdown.replace(MARK, flags_markdown()) if MARK in markdown else markdown


def flags_markdown() -> str:
    """A heading and the help of each verb, in the order of ``cropzoom --help``."""
    from napari_cropzoom.cli.parser import VERBS

    verbs = argparse.ArgumentParser(prog="cropzoom").add_subparsers()
    for verb in VERBS:
        verb.add_parser(verbs, argparse.ArgumentParser(add_help=False))
    with mock.patch.dict(os.environ, {"COLUMNS": str(WIDTH)}):
        helps = {name: parser.format_help() for name, parser in verbs.choices.items()}
    return "\n\n".join(f"## {name}\n\n```text\n{text.rstrip()}\n```" for name, text in helps.items())
