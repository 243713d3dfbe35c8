"""The table of keys: free of napari's own, free of doubles, and as the documentation shows it."""

from collections import Counter
from pathlib import Path

import pytest
from app_model.types import KeyBinding
from napari.components import ViewerModel
from napari.layers import Image, Points, Shapes, Vectors
from napari.utils.shortcuts import default_shortcuts

from napari_cropzoom.canvas.shortcuts import SHORTCUTS
from napari_cropzoom.widgets.shortcuts_dialog import shortcuts_markdown

BOUND = [shortcut for shortcut in SHORTCUTS if shortcut.function is not None]
NAPARIS_OWN = {"Delete", "R", "S", "Space"}
BY_FRAME = {"Left", "Right"}  # napari goes by the finest step of any layer
UNLISTED = {"Shift", "Shift+Up", "Shift+Down", "Ctrl+C", "Ctrl+V"}  # napari binds them all the same
LAYERS = (Image, Points, Shapes, Vectors)  # of these kinds are those of a session


def as_napari_writes(key):
    return str(KeyBinding.from_str(key.replace("-", "+").replace("Control", "Ctrl")))


def every_default():
    return {str(key) for keys in default_shortcuts.values() for key in keys}


def test_no_key_and_no_name_is_twice_in_the_table():
    for values in ([each.key for each in SHORTCUTS], [each.name for each in SHORTCUTS]):
        assert [value for value, count in Counter(values).items() if count > 1] == []


@pytest.mark.gui
@pytest.mark.parametrize("kind", LAYERS, ids=lambda kind: kind.__name__)
def test_no_key_but_the_arrows_is_one_that_napari_binds_there(shared_viewer, kind):
    owners = (kind, type(shared_viewer), ViewerModel)
    naparis = {str(key) for owner in owners for key in owner.class_keymap}
    assert (
        {"Left", "Ctrl+R"}
        <= naparis
        <= every_default() | {"Shift", "Shift+Up", "Shift+Down", "Ctrl+C", "Ctrl+V"}
    )
    taken = {as_napari_writes(each.key) for each in BOUND} & naparis
    assert taken == BY_FRAME, (
        f"{taken - BY_FRAME} are keys that napari has for {kind.__name__}: choose others"
    )


def test_what_is_said_to_be_naparis_own_is():
    left_to_others = {each.key for each in SHORTCUTS if each.function is None}
    assert left_to_others == NAPARIS_OWN | {"?"}
    assert NAPARIS_OWN - every_default() == set()


def test_the_documentation_lists_the_table_as_it_is():
    page = (Path(__file__).parents[2] / "docs" / "keys.md").read_text("utf-8")
    rows, wanted = ([line for line in text.splitlines() if line.startswith("| `")]
                    for text in (page, shortcuts_markdown()))  # fmt: skip
    missing = "\n".join(row for row in wanted if row not in rows)
    assert not missing, f"docs/keys.md lacks these rows:\n{missing}"
    assert rows == wanted, "docs/keys.md has more rows, or others first, than the tables of keys"
    assert shortcuts_markdown() in page
