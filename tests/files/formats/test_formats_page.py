"""docs/formats.md is true: every format and export has its row, and nothing else has one."""

from __future__ import annotations

import re
from pathlib import Path

from napari_cropzoom.files.formats.outside import OUTSIDE
from napari_cropzoom.files.formats.registry import EXPORTS, POSE_EXPORTS
from outside_files import BY_HAND, BY_TOOLS, ONLY_SECOND, WRITTEN

PAGE = Path(__file__).parents[3] / "docs" / "formats.md"


def rows(heading: str) -> dict[str, list[str]]:
    """Rows of the table below a heading, by the name in their first cell."""
    part = PAGE.read_text("utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]
    found = {}
    for line in part.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if re.fullmatch(r"`\w+`", cells[0]):
            found[cells[0].strip("`")] = cells[1:]
    return found


def test_every_format_that_is_read_has_its_row():
    table = rows("Which")
    assert {name: cells[0] for name, cells in table.items()} == {
        each.name: each.label for each in OUTSIDE
    }
    assert all(cells[1] == "yes" for cells in table.values())


def test_what_the_page_says_of_formats_is_what_the_tests_expect():
    written = [expected for _, expected in WRITTEN.values()]
    files = [*BY_TOOLS.values(), *ONLY_SECOND.values(), *BY_HAND.values(), *written]
    for name, (_, _, kinds, names, confidence, _) in rows("Which").items():
        mine = [each for each in files if each.format == name]
        assert mine, f"{name}: put a file of it into WRITTEN of tests/outside_files.py"
        words = {"boxes": "boxes", "keypoints": "keypoints", "points": "centres"}
        assert all(words[each.kind] in kinds for each in mine), name
        if names == "numbers":
            assert all(each.names for each in mine), name
        if confidence == "no":
            assert all(each.confidence != each.confidence for each in mine), name


def test_every_export_has_its_row():
    exports = [*EXPORTS, *POSE_EXPORTS]
    assert {name: cells[0] for name, cells in rows("The way out").items()} == {
        each.name: each.label for each in exports
    }
    boxes = [name for name, cells in rows("The way out").items() if cells[1] == "boxes"]
    assert boxes == [each.name for each in EXPORTS]
