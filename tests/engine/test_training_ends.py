"""Trainings that are stopped, killed, started twice or left to themselves: real ones, of tiny models."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
import yaml

from lpmodels import KEYPOINTS, make_lp_model
from napari_cropzoom.cli import main
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.progress import ignore, run_stage
from napari_cropzoom.engine.model_folder import ModelFolder
from napari_cropzoom.engine.training import status
from napari_cropzoom.engine.training.background import stop
from napari_cropzoom.engine.training.losses import Losses
from napari_cropzoom.engine.training.status import TrainingStatus
from napari_cropzoom.engine.training.train import _often, _only_one, _progress_line, _run
from videos import draw_blobs

pytestmark = pytest.mark.timeout(300)
posix = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
MANY = 5000  # epochs: it never ends by itself


def wait_for(is_there: Callable[[], object], seconds: float = 120) -> None:
    until = time.monotonic() + seconds
    while not is_there():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.05)


def epochs_in(folder: Path) -> int:
    found = TrainingStatus.read(folder)
    return found.progress.done if found.progress.total == MANY else 0


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A configuration that trains on eight images of blobs and looks at the validation images never."""
    from PIL import Image

    project = make_lp_model(tmp_path_factory.mktemp("training") / "project", size=128)
    rng = np.random.default_rng(3)
    names = [f"labeled-data/v/img{number:03d}.png" for number in range(8)]
    places = rng.uniform(40, 90, (8, len(KEYPOINTS), 2))
    (project / "labeled-data" / "v").mkdir(parents=True)
    for name, place in zip(names, places, strict=True):
        Image.fromarray(draw_blobs(place, 120, 140, 5)).save(project / name)
    columns = pd.MultiIndex.from_product(
        [["me"], KEYPOINTS, ["x", "y"]], names=["scorer", "bodyparts", "coords"]
    )
    pd.DataFrame(places.reshape(8, -1), names, columns).to_csv(project / "CollectedData.csv")
    content = yaml.safe_load((project / "config.yaml").read_text())
    content["training"].update(
        min_epochs=MANY,
        max_epochs=MANY,
        check_val_every_n_epoch=MANY,
        log_every_n_steps=1,
        unfreezing_epoch=0,
        num_gpus=1,
        lr_scheduler_params={"multisteplr": {"milestones": [1], "gamma": 0.5}},
    )
    content.update(losses={}, eval={**content.get("eval", {}), "predict_vids_after_training": False})
    path = project / "train.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


Start = Callable[..., "subprocess.Popen[str]"]


def _hears_of_its_terminal() -> None:
    """Under ``nohup`` these tests would hand on that it is not to be heard."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture
def start(config: Path, tmp_path: Path) -> Iterator[Start]:
    """Start `cropzoom train` into `tmp_path / "out"`; whatever still runs at the end is killed."""
    started: list[subprocess.Popen[str]] = []

    def begin(*words: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "napari_cropzoom.cli", "train", str(config)]
        started.append(
            subprocess.Popen(
                [*command, "--output_dir", str(tmp_path / "out"), *words],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                cwd=tmp_path,
                start_new_session=True,
                preexec_fn=_hears_of_its_terminal if os.name == "posix" else None,
            )
        )
        return started[-1]

    yield begin
    pid = TrainingStatus.read(tmp_path / "out").pid
    for process in started:
        process.kill()
        process.communicate()
    if pid is not None and psutil.pid_exists(pid):
        os.killpg(pid, signal.SIGKILL)


def assert_usable(out: Path) -> None:
    model = ModelFolder.open(out)
    assert model.checkpoint is not None
    assert model.checkpoint.name.endswith("-interrupted.ckpt")


@posix
def test_a_training_whose_terminal_closes_leaves_a_model(start: Start, tmp_path: Path) -> None:
    """SIGHUP; Ctrl-C and SIGTERM do the same, see ``cli._end_like_ctrl_c``."""
    out = tmp_path / "out"
    process = start()
    wait_for(lambda: epochs_in(out) > 0)
    pid = TrainingStatus.read(out).pid
    assert pid is not None
    process.send_signal(signal.SIGHUP)
    said = process.communicate(timeout=100)[0]
    assert process.returncode == 130
    assert "stopped. The model can be used as it is (epoch=" in said
    assert not psutil.pid_exists(pid)
    assert TrainingStatus.read(out).status == status.CANCELED
    assert_usable(out)
    assert not list(out.glob(".train*"))


@posix
def test_a_training_in_the_background_goes_on_until_it_is_killed(
    start: Start, tmp_path: Path, capsys: pytest.CaptureFixture[str], config: Path
) -> None:
    """It outlives its command; where the process that watches over it is killed, it ends with a model."""
    out = tmp_path / "out"
    said, _ = start("--detach").communicate(timeout=100)
    pid = TrainingStatus.read(out).pid
    assert pid is not None
    assert f"in the background (process {pid} of " in said
    wait_for(lambda: epochs_in(out) > 0)
    assert main(["train", "--status", str(out)]) == 0
    assert f"training (process {pid} of " in capsys.readouterr().out
    assert main(["train", str(config), "--output_dir", str(out)]) == 1
    assert f"running there already (process {pid} of " in capsys.readouterr().err
    wait_for(lambda: "epoch 1 of 5000" in (out / "train_progress.log").read_text())
    psutil.Process(pid).parent().kill()
    with pytest.raises(CropzoomError, match="running there already"), _only_one(out):
        pass
    wait_for(lambda: not psutil.pid_exists(pid))
    assert_usable(out)
    assert main(["train", "--status", str(out)]) == 0
    assert "canceled, " in capsys.readouterr().out
    with _only_one(out):
        pass


STOPS = """
import sys, time
from napari_cropzoom.core.children import end_with_input
from pathlib import Path
end_with_input(lambda: Path(sys.argv[1]).touch())
time.sleep(60)
"""


def test_a_training_is_stopped_by_another_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The process that trains is asked before it is ended."""
    asked = tmp_path / "asked"
    run = _run([sys.executable, "-c", STOPS, str(asked)], tmp_path / "a.yaml", tmp_path, ignore)
    failed: list[CropzoomError] = []

    def watch() -> None:
        try:
            run_stage(run)
        except CropzoomError as error:
            failed.append(error)

    watcher = threading.Thread(target=watch)
    watcher.start()
    wait_for(lambda: TrainingStatus.read(tmp_path).is_running)
    assert main(["train", "--stop", str(tmp_path)]) == 0
    assert "stopped. There is no checkpoint" in capsys.readouterr().out
    watcher.join()
    assert asked.exists()
    assert "the training was stopped" in str(failed[0])
    assert TrainingStatus.read(tmp_path).status == status.CANCELED
    assert not list(tmp_path.glob(".train*"))
    assert main(["train", "--stop", str(tmp_path)]) == 1
    assert "no training runs there: canceled" in capsys.readouterr().err


LOADS = """
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
time.sleep(60)
"""


@posix
def test_a_training_that_is_killed_has_failed_and_leaves_no_process(tmp_path: Path) -> None:
    """``kill -9`` of the process that trains, as the system does for want of memory."""
    stage = _run([sys.executable, "-c", LOADS], tmp_path / "a.yaml", tmp_path, ignore)
    for _ in stage:
        pid = TrainingStatus.read(tmp_path).pid
        if loaders := psutil.Process(pid).children():
            psutil.Process(pid).kill()
            break
    with pytest.raises(CropzoomError, match=r"the training was killed, .*There is no checkpoint"):
        run_stage(stage)
    wait_for(lambda: not loaders[0].is_running() or loaders[0].status() == psutil.STATUS_ZOMBIE)
    assert TrainingStatus.read(tmp_path).status == status.FAILED
    assert TrainingStatus.read(tmp_path).told() == "failed"
    with _only_one(tmp_path):
        pass


def test_what_cannot_be_trained_is_refused_before_the_command_leaves(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--detach", "--output_dir", str(tmp_path / "out"), "--overrides", "data.nonsense=1"]
    assert main(["train", str(config), *words]) == 1
    assert "nonsense" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert main(["train"]) == 1
    assert "Give a config file" in capsys.readouterr().err
    assert main(["train", "--status", str(tmp_path)]) == 0
    assert "no training is known there" in capsys.readouterr().out


def test_steps_are_called_steps(tmp_path: Path) -> None:
    """Lightning Pose writes numbers alone; which they are is told by its configuration."""
    content = {"status": "TRAINING", "progress": {"completed": 120, "total": 600, "timestamp": 0}}
    (tmp_path / "train_status.json").write_text(json.dumps(content))
    for line, unit, often in (("max_epochs: 600", "epoch", 1), ("max_steps: 600", "step", 6)):
        (tmp_path / "config.yaml").write_text(f"training:\n  {line}\n")
        progress = TrainingStatus.read(tmp_path).progress
        assert _progress_line(progress, Losses(tmp_path)) == f"{unit} 120 of 600"
        assert _often(progress) == often
        assert f"{unit}s" in TrainingStatus.read(tmp_path).told()


def test_the_process_of_a_status_is_told_from_others(tmp_path: Path) -> None:
    """A dead one, another one that has its number now, one of another computer, the app's."""
    status.begin(tmp_path, os.getpid())
    assert TrainingStatus.read(tmp_path).is_running
    written = json.loads((tmp_path / status.STATUS).read_text())

    def says(**changes: object) -> TrainingStatus:
        (tmp_path / status.STATUS).write_text(json.dumps({**written, **changes}))
        return TrainingStatus.read(tmp_path)

    assert not says(status="COMPLETED").is_running
    assert not says(started=psutil.Process().create_time() - 100).is_running
    assert "ended without a word" in says(started=1.0).told()
    other = says(computer="lab3")
    assert not other.is_running
    assert not other.is_here
    assert "of lab3" in other.told()
    assert says(computer=None, started=None).is_running
    assert "3 of 9 epochs" in says(progress={"completed": 3, "total": 9}).told()
    for odd in (
        {"pid": "x"},
        {"pid": -1},
        {"pid": 2**70},
        {"progress": []},
        {"started": "1e400"},
        {"status": 3},
    ):
        says(**odd).told()
    (tmp_path / status.STATUS).write_text("[1]")
    assert TrainingStatus.read(tmp_path).is_over
    with pytest.raises(CropzoomError, match="no training runs there"):
        stop(tmp_path)
    status.end(tmp_path, status.FAILED)
    assert (tmp_path / status.STATUS).read_text() == "[1]"
