from __future__ import annotations

import stat
import sys
from pathlib import Path

import numpy as np
import pytest

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.progress import run_stage
from napari_cropzoom.crop.crop import crop_video
from napari_cropzoom.crop.encoders import (
    HARDWARE,
    PRESETS,
    TUNES,
    EncoderSettings,
    probe,
    working_encoders,
)
from napari_cropzoom.video.video import Video
from videos import make_numbered_video


def test_the_probe_encodes_for_real():
    assert probe("libx264") == ""
    working = working_encoders()
    assert working[0] == "libx264"
    for encoder in HARDWARE:
        assert (encoder in working) == (probe(encoder) == "")


@pytest.mark.parametrize("encoder", HARDWARE)
def test_an_encoder_works_or_is_refused_before_anything_is_written(tmp_path, encoder):
    video = make_numbered_video(tmp_path / "v.mp4", 10, size=(256, 256))
    output = tmp_path / "out" / "cropped_v.mp4"
    boxes = np.tile([0.0, 0, 256, 256], (10, 1))
    stage = crop_video(video, boxes, output, encoding=EncoderSettings(encoder))
    if probe(encoder):
        with pytest.raises(CropzoomError, match=f"{encoder} does not work on this machine .* libx264"):
            run_stage(stage)
        assert not output.parent.exists()
    else:
        run_stage(stage)
        assert Video(output).n_frames == 10


@pytest.mark.skipif(sys.platform == "win32", reason="Windows runs no shell script as ffmpeg")
def test_the_probe_tells_what_ffmpeg_said(tmp_path, monkeypatch):
    ffmpeg = tmp_path / "ffmpeg"
    ffmpeg.write_text("#!/bin/sh\necho '[h264_nvenc @ 0x55] No capable devices found' >&2\nexit 1\n")
    ffmpeg.chmod(ffmpeg.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(ffmpeg))
    probe.cache_clear()
    try:
        assert probe("h264_nvenc") == "No capable devices found"
        assert working_encoders() == ("libx264",)
    finally:
        probe.cache_clear()


@pytest.mark.parametrize(
    ("how", "message"),
    [({"encoder": "vp9"}, "encoder 'vp9'"), ({"preset": "x"}, "preset 'x'"), ({"tune": "x"}, "tune 'x'"),
     ({"crf": -1}, "crf"), ({"crf": 51.5}, "crf"), ({"crf": float("nan")}, "crf")],
)  # fmt: skip
def test_settings_nobody_understands_are_refused(how, message):
    with pytest.raises(CropzoomError, match=message):
        EncoderSettings(**how).check()


@pytest.mark.parametrize("tune", TUNES)
@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_gives_every_frame(tmp_path, preset, tune):
    video = make_numbered_video(tmp_path / "v.mp4", 7)
    output = tmp_path / "cropped_v.mp4"
    boxes = np.tile([0.0, 0, 96, 64], (7, 1))
    run_stage(crop_video(video, boxes, output, encoding=EncoderSettings(preset=preset, tune=tune)))
    assert Video(Path(output)).n_frames == 7
