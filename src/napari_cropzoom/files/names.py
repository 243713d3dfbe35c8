"""Names of files and folders that every system takes, and that no system takes for one another."""

from __future__ import annotations

import os
import re
import unicodedata
from pathlib import Path

from napari_cropzoom.core.errors import CropzoomError

_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])(\..*)?", re.IGNORECASE)
_FORBIDDEN = set('/\\:*?"<>|')
LONGEST = 150  # bytes; names of temporary files and of ours in the folder come on top


def is_hidden(path: Path) -> bool:
    """Whether a listing leaves a file out: ours while they are written, and ``._a.csv`` of macOS."""
    return path.name.startswith(".")


def name_key(name: str) -> str:
    """What is equal for names that some disk takes for one: case and the form of accents left out."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())


def place_key(path: Path) -> str:
    """The same for a path, links resolved."""
    return name_key(os.path.realpath(path))


def check_folder_name(name: str, what: str) -> None:
    """Refuse what cannot name a folder on Linux, macOS and Windows alike.

    Parameters
    ----------
    name : str
    what : str
        What is to be named, for the message: ``a track``.

    Raises
    ------
    CropzoomError
    """
    shown = repr(name if len(name) <= 60 else f"{name[:60]}…")
    if (
        not name.strip()
        or name.startswith(".")
        or any(c in _FORBIDDEN or not c.isprintable() for c in name)
    ):
        raise CropzoomError(f"{shown} cannot name {what}: use letters, digits, spaces, - and _.")
    if name != name.strip() or name.endswith("."):
        raise CropzoomError(
            f"{shown} cannot name {what}: Windows drops a dot or space at the end. Leave it out."
        )
    if _RESERVED.fullmatch(name):
        raise CropzoomError(f"{shown} cannot name {what}: Windows keeps it for a device. Choose another.")
    if len(name.encode("utf-8", "replace")) > LONGEST:
        raise CropzoomError(f"{shown} cannot name {what}: it is too long. Choose a shorter name.")


def folder_name(name: str) -> str:
    """The name of an animal, with ``_`` for what no folder can be named.

    Raises
    ------
    CropzoomError
        If nothing of it can.
    """
    try:
        check_folder_name(name, "an animal")
    except CropzoomError:
        kept = "".join(each if each.isalnum() or each in "-_ " else "_" for each in name).strip(" ._")[
            :60
        ]
        check_folder_name(kept, "an animal")
        return kept
    return name


def real_path(path: str | Path) -> Path:
    """Where links lead; a link that leads to itself stays as it is (``Path.resolve`` raises an error)."""
    return Path(os.path.realpath(path))
