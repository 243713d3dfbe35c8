"""Many videos on a Dask cluster of real worker processes, one of which is killed.

CROPZOOM_CLUSTER_VIDEOS=40 does it with as many videos, and with every kind of bad one more often.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from lpmodels import make_lp_model
from napari_cropzoom.batch.cluster import run_on
from napari_cropzoom.batch.inputs import BatchVideo, find_videos
from napari_cropzoom.batch.parts import CROP, DETECT, POSE
from napari_cropzoom.batch.results import DONE, FAILED, UP_TO_DATE, Result
from napari_cropzoom.batch.settings import BatchSettings, settings_as_json
from napari_cropzoom.cli import main
from napari_cropzoom.core.progress import run_stage
from napari_cropzoom.engine.network.devices import CPU, VISIBLE
from videos import make_blob_video, zero_packets

distributed = pytest.importorskip("distributed", reason="the extra 'cluster' is not installed")

from napari_cropzoom.batch.cluster.connection import LOCAL, connected  # noqa: E402

MANY = int(os.environ.get("CROPZOOM_CLUSTER_VIDEOS", "0"))
LONGEST = 60
BAD = ("truncated", "empty", "a page")


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Three workers, a device each, with the nanny that makes them daemonic, as `dask worker` does."""
    with connected(LOCAL, devices=[CPU] * 3) as client:
        yield client.scheduler.address


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models, and videos of two days: good ones of the same names, a long one, and bad ones."""
    root = tmp_path_factory.mktemp("lab")
    make_lp_model(root / "detector")
    make_lp_model(root / "pose")
    for day in ("day 1", "day [2]"):
        videos = root / "videos" / day
        videos.mkdir(parents=True)
        make_blob_video(videos / "cam.mp4", 24, 128, 96)
    make_blob_video(videos / "long.mp4", 2 * LONGEST + 7, 128, 96)
    zero_packets(shutil.copy(videos / "cam.mp4", videos / "damaged.mp4"), (9, 10))
    whole = (videos / "cam.mp4").read_bytes()
    contents = [whole[: len(whole) // 2], b"", b"<!DOCTYPE html><html>not found</html>"]
    for name, content in zip(BAD, contents, strict=True):
        (videos / f"{name}.mp4").write_bytes(content)
    for number in range(max(MANY - 8, 0)):
        place = root / "videos" / "day 1" / f"one {number:02}.mp4"
        if number % 6 < len(BAD):
            place.with_name(f"{BAD[number % 6]} {number:02}.mp4").write_bytes(contents[number % 6])
        else:
            make_blob_video(place, 20 + number, 128, 96)
    slow = ["-loglevel", "error", "-itsscale", "7.3", "-i", videos / "cam.mp4", "-c", "copy"]
    import imageio_ffmpeg

    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), *slow, videos / "wrong_fps.mp4"], check=True)
    return root


def asked(lab: Path, **settings: Any) -> dict[str, Any]:
    how = settings_as_json(BatchSettings(crop=True, **settings))
    return {"detector": str(lab / "detector"), "pose": str(lab / "pose"), "settings": how}


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def state(videos: list[BatchVideo], results: list[Result]) -> dict[str, str]:
    assert Counter(result.video for result in results) == {video.path: 1 for video in videos}
    return {f"{one.video.parent.name}/{one.video.name}": one.state for one in results}


def kill_one_that_works(address: str, killed: list[int]) -> None:
    """Kill the first worker that is seen with work of a video."""
    with distributed.Client(address, set_as_default=False) as watcher:
        pids = watcher.run(os.getpid)
        while not killed:
            for worker, keys in watcher.processing().items():
                if not killed and any("-advance-" in str(key) for key in keys):
                    psutil.Process(pids[worker]).kill()
                    killed.append(pids[worker])


def device_of(dask_worker: Any) -> tuple[int, str]:
    """The number of a worker, and the cards that CUDA shows it."""
    return dask_worker.name, os.environ[VISIBLE]


def test_a_batch_on_a_cluster_is_the_batch_of_one_machine_though_a_worker_is_killed(
    lab: Path, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    videos = find_videos([lab / "videos"], lab / "out")
    results, told, killed = list[Result](), list[str](), list[int]()
    killer = threading.Thread(target=kill_one_that_works, args=(address, killed))
    killer.start()
    run_stage(run_on(address, videos, asked(lab), results.append, told.append, longest=LONGEST))
    killer.join()
    assert len(killed) == 1
    with distributed.Client(address, set_as_default=False) as watcher:
        watcher.wait_for_workers(3)
        assert sorted(watcher.run(device_of).values()) == [(number, "-1") for number in range(3)]
    states = state(videos, results)
    is_bad = {name: name.split("/")[1].startswith(BAD) for name in states}
    assert states == {name: FAILED if bad else DONE for name, bad in is_bad.items()}
    assert all(one.video.name in one.why for one in results if one.state == FAILED)
    assert len(videos) == max(MANY, 8)
    made = contents(lab / "out")
    assert not [name for name in made if Path(name).name.startswith(".")]
    assert not list((lab / "out").rglob(".*"))
    long = lab / "videos" / "day [2]" / "long.mp4"
    assert [line for line in told if line.startswith(f"{long}: ")] == [
        f"{long}: {step} of 127 frames in {count} parts"
        for step, count in ((DETECT, 3), (CROP, 2), (POSE, 3))
    ]

    words = ["batch", lab / "videos", "--detector", lab / "detector", "--pose", lab / "pose", "--crop"]
    words = [str(word) for word in [*words, "--skip_viz", "--output_dir"]]
    assert main([*words, str(lab / "one")]) == 1
    alone = contents(lab / "one")
    alone.pop("batch.csv")
    assert made == alone

    capsys.readouterr()
    assert main([*words, str(lab / "out"), "--scheduler", address]) == 1
    again = contents(lab / "out")
    assert again.pop("batch.csv").count(UP_TO_DATE.encode()) == list(states.values()).count(DONE)
    assert again == made
    said = capsys.readouterr()
    assert f"{len(videos)} videos: " in said.out
    assert all(name in said.err for name in BAD)


def test_who_stops_a_batch_on_a_cluster_finds_nothing_half_written(lab: Path, address: str) -> None:
    """Stopped among the parts of a long video; a second run goes on."""
    video = BatchVideo(lab / "videos" / "day [2]" / "long.mp4", lab / "stopped")
    told = list[str]()
    how = asked(lab, pixels=False)
    stage = run_on(address, [video], how, lambda result: None, told.append, longest=LONGEST)
    for _ in stage:
        if any("3 parts" in line for line in told):
            break
    stage.close()
    assert not list((lab / "stopped").rglob(".*"))
    assert not list((lab / "stopped").rglob("*.csv"))
    results = list[Result]()
    run_stage(run_on(address, [video], how, results.append, told.append, longest=LONGEST))
    assert [result.state for result in results] == [DONE]


def test_a_daemonic_worker_draws_the_labeled_video(lab: Path, address: str) -> None:
    video = BatchVideo(lab / "videos" / "day 1" / "cam.mp4", lab / "drawn")
    results = list[Result]()
    how = asked(lab, pixels=False, labeled_video=True)
    run_stage(run_on(address, [video], how, results.append, print))
    assert [(result.state, result.why) for result in results] == [(DONE, "")]
    drawn = lab / "drawn" / "pose" / "video_preds" / "labeled_videos" / "cam_labeled.mp4"
    assert drawn.stat().st_size > 1000


def test_what_is_wrong_with_a_cluster_is_said_in_one_line(
    lab: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    video = lab / "videos" / "day 1" / "cam.mp4"
    words = ["batch", video, "--detector", lab / "detector", "--pose", lab / "pose", "--scheduler"]
    words = [str(word) for word in words]
    monkeypatch.setattr("napari_cropzoom.batch.cluster.connection.SECONDS_TO_CONNECT", 1)
    assert main([*words, "tcp://127.0.0.1:9"]) == 1
    assert "tcp://127.0.0.1:9: no scheduler of Dask answers there" in capsys.readouterr().err
    assert main([*words, "tcp://127.0.0.1:9", "--workers", "2"]) == 1
    assert "--workers: is for --scheduler local only" in capsys.readouterr().err
    for name in [each for each in sys.modules if each.startswith("napari_cropzoom.batch.cluster.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert main([*words, "local"]) == 1
    assert "pip install 'napari-cropzoom[cluster]'" in capsys.readouterr().err
