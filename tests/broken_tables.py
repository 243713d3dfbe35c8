"""Ways in which a table of another program is broken, or written otherwise; see `broken_bytes`."""

from __future__ import annotations

import csv
import io
import random
import re

from broken_bytes import ANY, TEXT, Way

HUGE = ("1e308", "99999999999999999999", "-1e12", "inf", "-inf", "1e400")


class Table:
    """Cells of a table, its header rows apart."""

    def __init__(self, data: bytes) -> None:
        lines = data.decode().splitlines()
        self.delimiter = max(",;\t ", key=lines[0].count)
        rows = list(csv.reader(lines, delimiter=self.delimiter))
        named = [place for place, row in enumerate(rows[:5]) if re.match("[a-z]", row[0])]
        n_header = named[-1] + 1 if named and "/" not in rows[named[-1]][0] else 0
        if rows[0][0] == "scorer":
            n_header = next(place for place, row in enumerate(rows) if row[0] == "coords") + 1
        self.header, self.rows = rows[:n_header], rows[n_header:]

    @property
    def is_json(self) -> bool:
        return any("{" in cell for cell in self.rows[0])

    @property
    def has_points(self) -> bool:
        return bool(self.header) and self.header[0][0] in ("scorer", "seconds")

    def numbers(self, only_sizes: bool = False) -> list[int]:
        """Columns of places and sizes."""
        first = ["class"] if self.delimiter == " " else ["frame", "id"]
        names = [*first, "x", "y", "w", "h"] if not self.header else self.header[-1]
        wanted = "wh" if only_sizes else "xywh"
        return [place for place, name in enumerate(names) if name[0] in wanted]

    def bytes(self, delimiter: str = "", end: str = "\n", quoting: int = 0) -> bytes:
        text = io.StringIO(newline="")
        writer = csv.writer(
            text, delimiter=delimiter or self.delimiter, lineterminator=end, quoting=quoting
        )
        writer.writerows([*self.header, *self.rows])
        return text.getvalue().encode()


def some(chance: random.Random, table: Table) -> list[int]:
    """A few rows."""
    return chance.sample(range(len(table.rows)), min(len(table.rows), chance.randint(1, 5)))


def shuffled(data: bytes, chance: random.Random) -> tuple[bytes, int] | None:
    table = Table(data)
    if table.header and table.header[0][0] == "seconds":
        return None
    chance.shuffle(table.rows)
    return table.bytes(), 0


def rows_gone(data: bytes, chance: random.Random) -> tuple[bytes, int]:
    table = Table(data)
    for row in sorted(some(chance, table), reverse=True):
        del table.rows[row]
    return table.bytes(), 0


def rows_doubled(data: bytes, chance: random.Random) -> tuple[bytes, int]:
    table = Table(data)
    for row in some(chance, table):
        table.rows.insert(row, list(table.rows[row]))
    return table.bytes(), 0


def columns_moved(data: bytes, chance: random.Random) -> tuple[bytes, int] | None:
    """With their headers."""
    table = Table(data)
    if not table.header or table.header[0][0] == "seconds":
        return None
    order = list(range(len(table.rows[0])))
    moved = order[1:]
    chance.shuffle(moved)
    order[1:] = moved
    table.header, table.rows = (
        [[row[k] for k in order] for row in part] for part in (table.header, table.rows)
    )
    return table.bytes(), 0


def columns_swapped(data: bytes, chance: random.Random) -> tuple[bytes, int]:
    """Without their headers."""
    table = Table(data)
    a, b = chance.sample(range(len(table.rows[0])), 2)
    for row in table.rows:
        row[a], row[b] = row[b], row[a]
    return table.bytes(), ANY


def cells(values: tuple[str, ...], only_sizes: bool = False) -> Way:
    """A few places or sizes replaced; without one of its keypoints a box is another."""

    def change(data: bytes, chance: random.Random) -> tuple[bytes, int] | None:
        table = Table(data)
        if table.is_json or not table.numbers(only_sizes) or (only_sizes and table.has_points):
            return None
        rows = some(chance, table)
        for row in rows:
            table.rows[row][chance.choice(table.numbers(only_sizes))] = chance.choice(values)
        return table.bytes(), len(rows) if table.has_points else 0

    return change


def header_gone(data: bytes, chance: random.Random) -> tuple[bytes, int] | None:
    table = Table(data)
    if not table.header:
        return None
    del table.header[chance.randrange(len(table.header))]
    return table.bytes(), 0


def header_only(data: bytes, chance: random.Random) -> tuple[bytes, int]:
    table = Table(data)
    table.rows = []
    return table.bytes() or b"\n", 0


def delimiter(data: bytes, chance: random.Random) -> tuple[bytes, int] | None:
    table = Table(data)
    if table.delimiter == ";" and any("," in cell for cell in table.rows[0]):
        return None
    return table.bytes(chance.choice([";", "\t", "|", " ", ":"])), 0


def quoted(data: bytes, chance: random.Random) -> tuple[bytes, int]:
    return Table(data).bytes(quoting=1), 0


def line_ends(data: bytes, chance: random.Random) -> tuple[bytes, int]:
    return Table(data).bytes(end=chance.choice(["\r\n", "\r", "\n\n"])), 0


def decimal_commas(data: bytes, chance: random.Random) -> tuple[bytes, int] | None:
    table = Table(data)
    if table.is_json:
        return None
    table.rows = [[re.sub(r"^(-?\d+)\.(\d+)$", r"\1,\2", cell) for cell in row] for row in table.rows]
    return table.bytes(chance.choice([";", "\t"])), 0


def comments(data: bytes, chance: random.Random) -> tuple[bytes, int]:
    lines = data.split(b"\n")
    lines.insert(
        chance.randrange(len(lines)), chance.choice([b"# made by hand", b"total 60", b"sep=;", b",,,,"])
    )
    return b"\n".join(lines), 0


def frames_of_other_video(data: bytes, chance: random.Random) -> tuple[bytes, int] | None:
    table = Table(data)
    if not all(re.fullmatch(r"\d+", row[0]) for row in table.rows):
        return None
    more = chance.choice([7, 100, 10_000])
    for row in table.rows:
        row[0] = str(int(row[0]) + more)
    return table.bytes(), ANY if more == 7 else 0


TABLE: dict[str, Way] = {
    **TEXT,
    "rows in another order": shuffled,
    "rows lost": rows_gone,
    "rows doubled": rows_doubled,
    "columns in another order": columns_moved,
    "columns swapped below their names": columns_swapped,
    "NaN": cells(("nan", "", "NaN", "null")),
    "huge numbers": cells(HUGE),
    "words for numbers": cells(("x", "1.2.3", "--", "0x10", "1_000", "12:30")),
    "sizes below zero": cells(("-50", "0", "-0.0"), only_sizes=True),
    "header lost": header_gone,
    "header alone": header_only,
    "other delimiter": delimiter,
    "all cells quoted": quoted,
    "other line ends": line_ends,
    "decimal commas": decimal_commas,
    "a line of words": comments,
    "frames of another video": frames_of_other_video,
}
