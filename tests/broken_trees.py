"""Ways in which JSON and XML of another program are broken, or written otherwise; see `broken_bytes`."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from typing import Any

from broken_bytes import ANY, TEXT, Way


def walked(whole: Any, change: Callable[[Any, Any, Any], None]) -> None:
    """Call for each value with what it is in and its place."""
    todo = [whole]
    while todo:
        part = todo.pop()
        for place, value in list(part.items() if isinstance(part, dict) else enumerate(part)):
            change(part, place, value)
            if isinstance(value, dict | list):
                todo.append(value)


def json_values(values: tuple[Any, ...], allowed: int) -> Way:
    """A few of the numbers replaced."""

    def change(data: bytes, chance: random.Random) -> tuple[bytes, int]:
        whole = json.loads(data)
        spots: list[tuple[Any, Any]] = []
        walked(
            whole,
            lambda part, place, value: spots.append((part, place)) if isinstance(value, float) else None,
        )
        for part, place in chance.sample(spots, min(len(spots), chance.randint(1, 4))):
            part[place] = chance.choice(values)
        return json.dumps(whole).encode(), 4 if b'"keypoints"' in data else allowed

    return change


def json_keys_gone(data: bytes, chance: random.Random) -> tuple[bytes, int]:
    whole = json.loads(data)
    spots: list[tuple[Any, Any]] = []
    walked(whole, lambda part, place, _: spots.append((part, place)))
    for part, place in chance.sample(spots, chance.randint(1, 6)):
        if isinstance(part, dict):
            part.pop(place, None)
    return json.dumps(whole).encode(), 6


def json_shuffled(data: bytes, chance: random.Random) -> tuple[bytes, int]:
    whole = json.loads(data)
    if isinstance(whole, list):
        chance.shuffle(whole)
    else:
        for each in whole.values():
            if isinstance(each, list):
                chance.shuffle(each)
    return json.dumps(whole, indent=chance.choice([None, 4])).encode(), 0


def json_deep(data: bytes, chance: random.Random) -> tuple[bytes, int]:
    return data.rstrip()[:-1] + b',"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}", ANY


def entities(data: bytes, chance: random.Random) -> tuple[bytes, int]:
    bombs = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10 if n else "ha"}">' for n in range(10))
    outside = '<!ENTITY x SYSTEM "file:///etc/passwd">'
    kind = chance.choice([bombs, outside, '<!ENTITY % p SYSTEM "http://127.0.0.1:9/p"> %p;'])
    return data.replace(b"<annotations>", f"<!DOCTYPE a [{kind}]><annotations>&a9;".encode()), 0


def xml_values(data: bytes, chance: random.Random) -> tuple[bytes, int]:
    text = data.decode()
    spots = list(re.finditer(r'"(-?[\d.]+)"', text))
    for spot in sorted(chance.sample(spots, 3), key=lambda each: -each.start()):
        value = chance.choice(["", "nan", "1e308", "-5", "x", "9" * 30, "true"])
        text = text[: spot.start(1)] + value + text[spot.end(1) :]
    return text.encode(), ANY


def xml_boxes_gone(data: bytes, chance: random.Random) -> tuple[bytes, int]:
    return re.sub(rb"<box .*?</box>", lambda found: found[0] if chance.random() > 0.1 else b"", data), ANY


JSON: dict[str, Way] = {
    **TEXT,
    "NaN": json_values((float("nan"), None), 0),
    "huge numbers": json_values((1e308, float("inf"), 10**400, -1e12), 0),
    "words for numbers": json_values(("x", [], {}, True), 4),
    "parts lost": json_keys_gone,
    "in another order": json_shuffled,
    "nested deep": json_deep,
}
XML: dict[str, Way] = {
    **TEXT,
    "entities": entities,
    "wrong values": xml_values,
    "keyframes lost": xml_boxes_gone,
}
