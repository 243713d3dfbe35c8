"""Which videos belong together, by their names."""

from pathlib import Path

import pytest

from napari_cropzoom.core.recordings import alike


@pytest.mark.parametrize(
    ("name", "others", "views"),
    [
        ("s1_left", ["s1_right", "s2_left", "s1_right_old"], {"left": "s1_left", "right": "s1_right"}),
        ("s1-cam0", ["s1-cam1", "s1-cam2", "s2-cam0"], dict.fromkeys(["cam0", "cam1", "cam2"])),
        ("left s1", ["right s1"], dict.fromkeys(["left", "right"])),
        ("mouse_day1", ["mouse_day2"], {}),
        ("s1", ["s2", "s3"], {}),
        ("s1_left", ["s2_right"], {}),
        ("mäuse_oben", ["mäuse_unten"], dict.fromkeys(["oben", "unten"])),
        ("s1_left", [], {}),
        ("roaming", ["second"], {}),
        ("top", ["side", "Bottom", "notes"], {"Bottom": "Bottom", "side": "side", "top": "top"}),
        ("cam0", ["cam1"], {"cam0": "cam0", "cam1": "cam1"}),
    ],
)
def test_names_that_differ_in_the_word_of_a_view(name, others, views):
    found = alike(Path(f"{name}.mp4"), [Path(f"{other}.avi") for other in others])
    assert list(found) == list(views)
    for view, stem in views.items():
        if stem:
            assert found[view].stem == stem
