"""Long videos in parts, joined to the same bytes as in one go."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lpmodels import make_lp_model
from napari_cropzoom.batch.batch import Batch
from napari_cropzoom.batch.inputs import BatchVideo
from napari_cropzoom.batch.parts import (
    CROP,
    DETECT,
    NOTHING,
    POSE,
    InParts,
    Joined,
    Part,
    cut,
    read_predicted,
    write_predicted,
)
from napari_cropzoom.batch.results import UP_TO_DATE, Result
from napari_cropzoom.batch.settings import BatchSettings
from napari_cropzoom.core.progress import run_stage
from napari_cropzoom.core.smoothing.sizing import SizingSettings
from napari_cropzoom.crop.encoders import EncoderSettings
from napari_cropzoom.engine.model_folder import ModelFolder
from videos import make_blob_video, zero_packets

N, LONGEST = 130, 50


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ModelFolder]:
    root = tmp_path_factory.mktemp("models")
    make_lp_model(root / "detector", model_type="heatmap_mhcrnn")
    make_lp_model(root / "pose")
    return {name: ModelFolder.open(root / name) for name in ("detector", "pose")}


def batch_of(models: dict[str, ModelFolder], **settings: object) -> Batch:
    quick = EncoderSettings(preset="ultrafast")
    sizing = SizingSettings(None, 48)
    how = BatchSettings(sizing, pixels=False, crop=True, encoding=quick, **settings)  # type: ignore[arg-type]
    return Batch(models["detector"], models["pose"], how)


def in_parts(batch: Batch, video: BatchVideo, folder: Path) -> tuple[Result, list[str]]:
    """Do a video as a cluster does; the steps that were in parts."""
    joined, steps = NOTHING, list[str]()
    while True:
        result = run_stage(batch.advance(video, joined, LONGEST))
        if not isinstance(result, InParts):
            return result, steps
        assert len(result.parts) == (2 if result.step == CROP else 3)
        steps.append(result.step)
        made = [run_stage(batch.part(video, part, folder)) for part in result.parts]
        joined = Joined.of(result.step, result.found, made)


def contents(folder: Path) -> dict[Path, bytes]:
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("damaged", [(), (49, 50, 105)], ids=["sound", "damaged"])
def test_parts_are_joined_to_the_bytes_of_one_go(
    models: dict[str, ModelFolder], tmp_path: Path, damaged: tuple[int, ...]
) -> None:
    """A detector with context, whose frames see their neighbours in other parts."""
    clip = tmp_path / "clip.mp4"
    make_blob_video(clip, N, 160, 120)
    zero_packets(clip, damaged)
    batch = batch_of(models)
    whole = run_stage(batch.work(BatchVideo(clip, tmp_path / "whole")))
    video = BatchVideo(clip, tmp_path / "parts")
    result, steps = in_parts(batch, video, tmp_path / "made")
    assert steps == [DETECT, CROP, POSE]
    assert (result.state, result.why, result.suspects) == (whole.state, whole.why, whole.suspects)
    before = contents(tmp_path / "whole")
    assert len(before) == 10
    assert contents(tmp_path / "parts") == before

    assert in_parts(batch, video, tmp_path / "made")[0].state == UP_TO_DATE
    assert in_parts(batch_of(models, overwrite=True), video, tmp_path / "made")[1] == [DETECT, POSE]
    assert contents(tmp_path / "parts") == before


def test_parts_of_another_device_and_damaged_ones_are_not_used(
    models: dict[str, ModelFolder], tmp_path: Path
) -> None:
    """Those frames run again where the parts are joined."""
    clip = tmp_path / "clip.mp4"
    make_blob_video(clip, 60, 128, 96)
    batch = batch_of(models)
    run_stage(batch.work(BatchVideo(clip, tmp_path / "whole")))
    video = BatchVideo(clip, tmp_path / "parts")
    asked = run_stage(batch.advance(video, NOTHING, 20))
    assert isinstance(asked, InParts)
    made = [run_stage(batch.part(video, part, tmp_path / "made")) for part in asked.parts]
    other, lost = made[0], made[1]
    assert isinstance(other, Path)
    assert isinstance(lost, Path)
    found = read_predicted(other)
    assert found is not None
    write_predicted(other, replace(found, device="cuda", xy=found.xy + 100))
    lost.write_bytes(lost.read_bytes()[:500])
    run_stage(batch.advance(video, Joined.of(asked.step, asked.found, made)))
    assert contents(tmp_path / "parts") == contents(tmp_path / "whole")


def test_parts_begin_at_multiples_of_their_length_and_know_the_boxes_beside_them() -> None:
    boxes = np.arange(4.0 * 40).reshape(40, 4)
    parts = cut(POSE, np.arange(3, 37), boxes, 10)
    assert [(part.frames[0], part.frames[-1]) for part in parts] == [(3, 9), (10, 19), (20, 29), (30, 36)]
    for part in parts:
        first, last = max(part.frames[0] - 2, 0), min(part.frames[-1] + 2, 39)
        given = part.all_boxes(40)
        assert given is not None
        np.testing.assert_array_equal(given[first : last + 1], boxes[first : last + 1])
        assert np.isnan(given[:first]).all()
        assert np.isnan(given[last + 1 :]).all()
    (crop,) = cut(CROP, np.arange(40), boxes, 5, (8, 8), 120)  # a group is never cut
    assert crop.groups == [0]
    assert Part(DETECT, np.arange(5)).all_boxes(40) is None
