"""Colours mean one thing each, can be told apart by the colour-blind, and can be read on both themes."""

import colorsys
import re
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

import napari_cropzoom
from napari_cropzoom.core.boxes import Source
from napari_cropzoom.core.looks import (
    ANIMAL_COLORS,
    BOX_LOOKS,
    CONTRAST,
    FILLED,
    FINAL,
    MANUAL,
    MESSAGE,
    PROPOSAL,
    RAW,
    SUSPECT,
    contrast,
    hexadecimal,
    mixed,
    readable,
    rgb,
)

MEANINGS = (*ANIMAL_COLORS, SUSPECT, PROPOSAL, MESSAGE["error"])
BACKGROUNDS = ("#1b1c22", "#fbfaf9")
GREY = 18 / 255  # from the least to the greatest of red, green, blue
# Machado, Oliveira and Fernandes (2009), severity 1, on linear light
BLIND = {
    "protan": [[0.1523, 1.0526, -0.2049], [0.1145, 0.7863, 0.0992], [-0.0039, -0.0481, 1.0520]],
    "deutan": [[0.3673, 0.8606, -0.2280], [0.2801, 0.6725, 0.0474], [-0.0118, 0.0429, 0.9689]],
}


def hue(color):
    """Degrees."""
    return 360 * colorsys.rgb_to_hls(*rgb(color))[0]


def linear_light(color):
    """Red, green, blue, 0 to 1."""
    parts = np.array(rgb(color))
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def lab(linear):
    """CIE L, a, b of linear light."""
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    x, y, z = np.cbrt(np.maximum(to_xyz @ linear, 1e-6) / (0.9505, 1.0, 1.089))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def test_every_meaning_has_a_hue_of_its_own():
    for one, other in combinations(MEANINGS, 2):
        away = abs(hue(one) - hue(other)) % 360
        assert min(away, 360 - away) >= 14, (one, other)


@pytest.mark.parametrize("kind", BLIND)
def test_the_colour_blind_can_tell_them_apart(kind):
    seen = {}
    for color in MEANINGS:
        linear = linear_light(color)
        seen[color] = lab(np.clip(np.array(BLIND[kind]) @ linear, 0, 1))
    for one, other in combinations(MEANINGS, 2):
        assert np.linalg.norm(seen[one] - seen[other]) > 12, (one, other)


@pytest.mark.parametrize("background", BACKGROUNDS)
@pytest.mark.parametrize("color", [*MEANINGS, "#123456", "#fefefe"])
def test_a_colour_can_be_read_and_keeps_its_hue(color, background):
    shown = readable(color, background)
    assert contrast(shown, background) >= CONTRAST
    if color in MEANINGS:
        assert abs(hue(shown) - hue(color)) < 3
        assert readable(shown, background) == shown


def test_contrast_and_mixing():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert mixed("#ffffff", "#000000", 0.2) == "#333333"
    assert hexadecimal(rgb("#56b4e9")) == "#56b4e9"


def test_what_differs_in_origin_differs_in_look_and_every_box_has_one():
    looks = (RAW, MANUAL, FILLED, FINAL)
    assert len({*looks}) == len(looks)
    assert MANUAL.width >= 2 * RAW.width
    assert {*BOX_LOOKS} == {*Source} - {Source.MISSING, Source.ABSENT}
    assert not any(look.color for look in looks)


def test_messages_that_are_no_errors_are_grey():
    for kind in {*MESSAGE} - {"error"}:
        assert max(rgb(MESSAGE[kind])) - min(rgb(MESSAGE[kind])) <= GREY


def test_no_other_module_of_the_window_has_a_colour_of_its_own():
    """But for colour maps of keypoints, which are scales."""
    package = Path(napari_cropzoom.__file__).parent
    files = [*package.glob("canvas/**/*.py"), *package.glob("widgets/**/*.py")]
    assert len(files) > 50
    for file in files:
        for color in re.findall(r"#[0-9a-fA-F]{6}\b", file.read_text("utf-8")):
            assert max(rgb(color)) - min(rgb(color)) <= GREY, (file.name, color)
