"""Where a review says that there is no animal, nothing that is drawn or counted shows one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from export.drawn_videos import decoded
from export.reviewed import N, Reviewed, make_review, poses
from napari_cropzoom.cli import main
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.progress import run_stage
from napari_cropzoom.export import stages
from napari_cropzoom.export.plate import Way
from napari_cropzoom.export.plates import Scale, timeline_plate
from napari_cropzoom.export.report.numbers import of_all, seen
from napari_cropzoom.files.bbox_csv import read_bbox_csv
from napari_cropzoom.files.review_paths import reviewed_csv

AWAY = 100


@pytest.fixture(scope="module")
def review(tmp_path_factory: pytest.TempPathFactory) -> Reviewed:
    return make_review(tmp_path_factory.mktemp("review"))


@pytest.fixture
def final(review: Reviewed) -> Path:
    path = reviewed_csv(review.raw, review.video)
    assert np.isfinite(read_bbox_csv(path, N)).all()  # every row is filled, as other programs want it
    return path


@pytest.mark.parametrize("way", ["command", "window"])
def test_a_labeled_video_has_no_box_there(
    review: Reviewed, final: Path, tmp_path: Path, way: str
) -> None:
    out = tmp_path / "shown.mp4"
    if way == "command":
        how = ["--layout", "frame", "--background", "black", "--range", "98:102"]
        assert main(["show", str(review.video), "--bbox", str(final), "--output", str(out), *how]) == 0
        boxes = np.array([picture.max() > 100 for picture in decoded(out)[0]])
    else:
        args = {
            "product": "video",
            "video": str(review.video),
            "bbox_csv": str(final),
            "frames": (98, 102),
        }
        run_stage(stages.show({**args, "raw_csv": str(review.raw), "output": str(out)}))
        bare = tmp_path / "bare.mp4"  # the boxes of the file, with no review to ask
        run_stage(stages.show({**args, "output": str(bare)}))
        pairs = zip(decoded(out)[0], decoded(bare)[0], strict=True)
        boxes = np.array([(np.abs(a.astype(int) - b) > 40).mean() < 0.05 for a, b in pairs])
    np.testing.assert_array_equal(boxes, [True, True, False, True, True])


def test_a_figure_has_no_box_there(review: Reviewed, final: Path, tmp_path: Path) -> None:
    found = {}
    for frame in (AWAY - 1, AWAY):
        out = tmp_path / f"{frame}.png"
        given = ["--bbox", str(final), "--frame", str(frame), "--output", str(out)]
        assert main(["figure", str(review.video), *given]) == 0
        colours = np.asarray(PIL.Image.open(out).convert("RGB")).astype(int)
        found[frame] = np.ptp(colours, axis=2).max()  # the video is grey
    assert found[AWAY - 1] > 60
    assert found[AWAY] < 60


def test_lines_have_a_gap_there() -> None:
    known = poses(1, 0.9)
    xy, likelihood = known.xy.copy(), known.likelihood.copy()
    xy[60:80], likelihood[60:80] = np.nan, 0  # as predictions have frames without a box
    boxes = np.tile([10.0, 10, 40, 40], (N, 1))
    boxes[60:80] = np.nan
    plate = timeline_plate(
        boxes, None, Poses(known.names, xy, likelihood), np.arange(N) / 25, 120, Scale()
    )
    lines = [mark.places for mark in plate.marks if isinstance(mark, Way) and len(mark.places) > 10]
    assert len(lines) == 6  # two pieces of each of three
    gaps = [after[0, 0] - before[-1, 0] for before, after in zip(lines[::2], lines[1::2], strict=True)]
    width = np.ptp(np.concatenate(lines)[:, 0])
    np.testing.assert_allclose(gaps, 21 / (N - 1) * width, rtol=0.1)


def test_frames_that_no_network_has_seen_do_not_count_as_unsure() -> None:
    known = poses(1, 0.95)
    xy, likelihood = known.xy.copy(), known.likelihood.copy()
    xy[60:80], likelihood[60:80] = np.nan, 0
    away = of_all(seen(Poses(known.names, xy, likelihood)))
    kept = np.r_[0:60, 80:N]
    assert away.sure == pytest.approx(float((known.likelihood[kept] >= 0.9).mean()))
    assert away.likelihood == pytest.approx(float(np.median(known.likelihood[kept])))
