"""Label images as TIFF: pages that are decoded without being parsed are what tifffile itself reads."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from napari_cropzoom.files.formats.importing import read_outside
from napari_cropzoom.files.formats.outside import masks as module
from napari_cropzoom.files.formats.outside_rows import VideoFacts

N, H, W = 12, 40, 64
VIDEO = VideoFacts("mouse.mp4", W, H, N, 30.0)
FORMS = {
    "plain": {},
    "big": {"bigtiff": True},
    "ome": {"ome": True},
    "ome, zlib": {"ome": True, "compression": "zlib"},
    "ome, zlib and predictor": {"ome": True, "compression": "zlib", "predictor": 2},
    "ome, big-endian": {"ome": True, "byteorder": ">"},
    "ome, in strips": {"ome": True, "rowsperstrip": 16},
    "ome, in tiles": {"ome": True, "tile": (16, 32)},
    "ome, of pages written one by one": {"ome": True, "one_by_one": True},
    "imagej": {"imagej": True},
}


def labels() -> np.ndarray:
    """(N, H, W): two animals that move, and one page without the second."""
    pages = np.zeros((N, H, W), np.uint16)
    for frame in range(N):
        pages[frame, 5 + frame : 15 + frame, 3 * frame : 3 * frame + 9] = 1
        if frame != 7:
            pages[frame, 28:36, 40 - frame : 52 - frame] = 300
    return pages


def write(path, pages, *, one_by_one=False, **how):
    of_file = {key: how.pop(key) for key in ("bigtiff", "ome", "imagej", "byteorder") if key in how}
    metadata = {"axes": "TYX"} if "ome" in of_file or "imagej" in of_file else None
    with tifffile.TiffWriter(path, **of_file) as file:
        if one_by_one:
            file.write(iter(pages), shape=pages.shape, dtype=pages.dtype, metadata=metadata, **how)
        else:
            file.write(pages, metadata=metadata, **how)


def boxes_of(pages):
    """(T, 4) of each label, as a person would measure them."""
    found = {label: np.full((len(pages), 4), np.nan) for label in (1, 300)}
    for label, boxes in found.items():
        for frame, page in enumerate(pages):
            rows, columns = np.nonzero(page == label)
            if len(rows):
                top, left = rows.min(), columns.min()
                boxes[frame] = left, top, columns.max() + 1 - left, rows.max() + 1 - top
    return found


@pytest.mark.parametrize("form", FORMS)
def test_boxes_are_those_of_the_pages_as_tifffile_reads_them(tmp_path, form):
    path = tmp_path / "masks.tif"
    write(path, labels(), **FORMS[form])
    with tifffile.TiffFile(path) as file:
        assert file.is_ome == form.startswith("ome")
        try:
            theirs = file.asarray()
        except AttributeError as error:
            pytest.skip(f"this tifffile cannot read it with this NumPy: {error}")
    np.testing.assert_array_equal(theirs, labels())
    tracks = read_outside(path, VIDEO).settled.tracks
    for track, boxes in zip(tracks, boxes_of(theirs).values(), strict=True):
        np.testing.assert_array_equal(track.boxes, boxes)


@pytest.mark.parametrize("form", ["plain", "ome", "ome, zlib"])
def test_only_a_page_of_another_kind_is_parsed(tmp_path, monkeypatch, form):
    path = tmp_path / "masks.tif"
    write(path, labels(), **FORMS[form])
    parsed = []
    check = module._check
    monkeypatch.setattr(module, "_check", lambda *of: parsed.append(of[1]) or check(*of))
    read_outside(path, VIDEO)
    assert len(parsed) <= 2
