"""Command lines that a person can copy to the shell of this system."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterable

_PLAIN_ON_WINDOWS = re.compile(r"[\w@+=:,./\\-]+")


def shell_word(word: object) -> str:
    """Return a word for a command line: in double quotes on Windows, where others are no quotes."""
    text = str(word)
    if sys.platform != "win32":
        return shlex.quote(text)
    return text if _PLAIN_ON_WINDOWS.fullmatch(text) else f'"{text}"'


def shell_line(words: Iterable[object]) -> str:
    """Return a command line of words."""
    return " ".join(map(shell_word, words))
