"""What a batch on several devices refuses; `test_cluster.py` has one on three. No card is needed."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from lpmodels import make_lp_model
from napari_cropzoom.cli import main
from napari_cropzoom.engine.network import devices
from videos import make_blob_video

distributed = pytest.importorskip("distributed", reason="the extra 'cluster' is not installed")

from napari_cropzoom.batch.cluster.connection import OnDevice  # noqa: E402


def test_each_worker_has_a_device_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """By its number, which Dask gives to the one that takes its place as well."""
    monkeypatch.setattr(devices, "_chosen", [])
    monkeypatch.setenv(devices.VISIBLE, "")
    chooses, found = OnDevice(["cuda:1", "cpu"]), []
    for number in range(3):
        chooses.setup(SimpleNamespace(name=number))
        found.append((devices.best_device(), os.environ[devices.VISIBLE]))
        os.environ[devices.VISIBLE] = ""
    assert found == [("cuda", "1"), ("cpu", "-1"), ("cuda", "1")]


@pytest.fixture
def asked(tmp_path: Path) -> list[str]:
    make_lp_model(tmp_path / "detector")
    make_lp_model(tmp_path / "pose")
    (tmp_path / "videos").mkdir()
    for name in "ab":
        make_blob_video(tmp_path / "videos" / f"{name}.mp4", 12, 64, 48)
    words = [tmp_path / "videos", "--detector", tmp_path / "detector", "--pose", tmp_path / "pose"]
    return [str(word) for word in [*words, "--skip_viz", "--output_dir", tmp_path / "out"]]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["--device", "cpu,cuda:77"],
            "--device cuda:77: is not here, or torch cannot use it. Give one of: cpu",
        ),
        (["--device", "cuda:77"], "--device cuda:77: is not here"),
        (["--device", "cpu,cpu", "--scheduler", "tcp://127.0.0.1:9"], "--device: is for this machine"),
    ],
)
def test_a_device_that_cannot_be_had_is_refused_before_work(
    asked: list[str], words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["batch", *asked, *words]) == 1
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_one_model_runs_on_one_device(asked: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", *asked, "--device", "cpu,cpu"]) == 1
    assert "--device cpu,cpu: run uses one device" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["run", *asked, "--device", "gpu0"])
    assert "must be of cpu, mps, cuda" in capsys.readouterr().err


def test_a_card_is_counted_among_those_that_a_person_has_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "_chosen", [])
    for given, device, shown in (("4,7", "cuda:1", "7"), ("", "cuda:2", "2"), ("4", "cpu", "-1")):
        monkeypatch.setenv(devices.VISIBLE, given)
        devices.use_device(device)
        assert os.environ[devices.VISIBLE] == shown
        assert devices.best_device() == device.split(":")[0]
        assert devices.may_use_cards() == (device != "cpu")
