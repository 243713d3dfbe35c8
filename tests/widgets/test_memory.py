"""What the version before remembered is still known, and is known to the commands too."""

import json
from pathlib import Path

import pytest

from napari_cropzoom.files.review_paths import Places, places_of, remember_results
from napari_cropzoom.widgets.controls import settings
from napari_cropzoom.widgets.memory import KEY, carry_over, pose_of


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.setenv("CROPZOOM_DATA_DIR", str(tmp_path / "data"))
    kept = settings().value(KEY), settings().value("results")
    yield tmp_path
    for key, value in zip((KEY, "results"), kept, strict=True):
        settings().remove(key) if value is None else settings().setValue(key, value)


def test_places_in_the_settings_of_the_version_before_are_taken_over_once(data):
    one, two, three = (data / f"{name}.mp4" for name in ("one", "two", "three"))
    entry = {"raw": [str(data / "a_bbox.csv"), str(data / "b_bbox.csv")], "pose": str(data / "pose")}
    settings().setValue(KEY, json.dumps({str(one): entry, str(three): {"raw": []}}))
    settings().setValue(
        "results", json.dumps({str(one): str(data / "out"), str(two): str(data / "there")})
    )
    remember_results(two, data / "newer")
    carry_over()
    assert places_of(one) == Places(data / "out", (data / "a_bbox.csv", data / "b_bbox.csv"))
    assert places_of(two).results == data / "newer"
    assert places_of(three) == Places()
    assert pose_of(one) == data / "pose"
    remember_results(one, None)
    carry_over()
    assert places_of(one).results is None  # taken once: what a person chose since stays


@pytest.mark.parametrize("damaged", ["", "[]", "{", '{"x": 3}', '{"x": {"raw": "y"}}'])
def test_settings_that_make_no_sense_are_no_places(data, damaged):
    settings().setValue(KEY, damaged)
    settings().setValue("results", damaged)
    carry_over()
    assert places_of(Path("x")) == Places()
