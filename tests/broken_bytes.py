"""Ways in which any text or any file is broken.

A way takes the file as it is and chance, and returns the bytes with how many boxes may differ from the
truth without a word (a cut within a number cannot be told from another number).
"""

from __future__ import annotations

import random
from collections.abc import Callable

ANY = 10**9
Way = Callable[[bytes, random.Random], tuple[bytes, int] | None]


def encoding(data: bytes, chance: random.Random) -> tuple[bytes, int]:
    text = data.decode()
    name = chance.choice(["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig", "cp037", "utf-7"])
    return text.encode(name), 0


def other_letters(data: bytes, chance: random.Random) -> tuple[bytes, int]:
    """A name in Latin-1 within UTF-8."""
    return data.replace(b"white", "wei\u00df".encode("latin-1")).replace(b"zebra", b"z\xe9bre"), 0


def cut(data: bytes, chance: random.Random) -> tuple[bytes, int]:
    return data[: chance.randrange(1, len(data))], 1


def cut_at_line(data: bytes, chance: random.Random) -> tuple[bytes, int]:
    lines = data.splitlines(keepends=True)
    return b"".join(lines[: chance.randrange(1, max(2, len(lines)))]), 0


def start_gone(data: bytes, chance: random.Random) -> tuple[bytes, int]:
    return data[chance.randrange(1, min(len(data), 2000)) :], 1


def zeros(data: bytes, chance: random.Random) -> tuple[bytes, int]:
    """A block that the disk has lost."""
    place = chance.randrange(len(data))
    return data[:place] + b"\0" * min(512, len(data) - place) + data[place + 512 :], ANY


def noise(data: bytes, chance: random.Random) -> tuple[bytes, int]:
    changed = bytearray(data)
    for _ in range(chance.choice([1, 5, 50])):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed), ANY


def doubled(data: bytes, chance: random.Random) -> tuple[bytes, int]:
    """A file put behind itself."""
    return data + data, 0


def nothing(data: bytes, chance: random.Random) -> tuple[bytes, int]:
    return chance.choice(
        [b"", b"\n\n\n", b"\0" * 100, b"\xef\xbb\xbf", b"\xff\xfe", b"{}", b"[]", b"<a/>"]
    ), 0


def endless_line(data: bytes, chance: random.Random) -> tuple[bytes, int]:
    return chance.choice([b",", b"x,", b"[", b"1 ", b"<a>", b'"']) * 3_000_000, 0


TEXT: dict[str, Way] = {
    "other encoding": encoding,
    "letters of another encoding": other_letters,
    "cut": cut,
    "cut at a line": cut_at_line,
    "beginning lost": start_gone,
    "block of zeros": zeros,
    "bytes changed": noise,
    "twice in one file": doubled,
    "nothing in it": nothing,
    "one endless line": endless_line,
}
BINARY: dict[str, Way] = {
    "cut": cut,
    "block of zeros": zeros,
    "bytes changed": noise,
    "nothing in it": nothing,
}
