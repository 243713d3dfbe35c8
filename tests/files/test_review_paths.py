"""What is remembered of where reviews and results lie."""

from pathlib import Path

import pytest

from napari_cropzoom.files.review_paths import (
    PLACES,
    Places,
    places_of,
    remember_results,
    remember_reviewed,
)


def test_places_that_cannot_be_read_or_written_count_as_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    video, data = tmp_path / "v.mp4", tmp_path / "data"
    monkeypatch.setenv("CROPZOOM_DATA_DIR", str(data))
    for number in range(6):
        remember_reviewed(video, tmp_path / f"{number}.csv")
    assert [each.stem for each in places_of(video).reviews] == ["5", "4", "3", "2"]
    for content in ("", "[]", '{"version": 1, "places": {"' + str(video) + '": 3}}', '{"version": 9}'):
        (data / PLACES).write_text(content)
        assert places_of(video) == Places()
    data.rename(tmp_path / "gone")
    data.write_text("a file in the place of the folder")
    remember_results(video, tmp_path)
    assert places_of(video) == Places()
