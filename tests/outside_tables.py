"""Read tables of other programs, for tests to import."""

from __future__ import annotations

from napari_cropzoom.files.formats.importing import read_outside
from napari_cropzoom.files.formats.outside_rows import ImportOptions, VideoFacts

VIDEO = VideoFacts("v.mp4", 640, 480, 10, 30.0)


def write(tmp_path, text, name="boxes.csv"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def rows(header, values):
    return "\n".join([header, *(",".join(map(str, row)) for row in values)]) + "\n"


def read(path, format_name=None, video=VIDEO, **options):
    return read_outside(path, video, ImportOptions(**options), format_name)


def boxes_of(found):
    return found.settled.tracks[0].boxes
