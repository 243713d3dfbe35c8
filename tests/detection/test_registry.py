from importlib.metadata import EntryPoint

import pytest

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.detection import registry as detect
from napari_cropzoom.detection.motion import MotionDetector, MotionSettings
from napari_cropzoom.detection.registry import available_detectors, get_detector, settings_of

BROKEN_DISTRIBUTION = {
    "METADATA": "Metadata-Version: 2.1\nName: broken-detectors\nVersion: 1\n",
    "entry_points.txt": (
        "[napari_cropzoom.detectors]\n"
        "missing = no_such_package.detector:Detector\n"
        "crashing = crashing_detector:Detector\n"
        "wrong = json:dumps\n"
    ),
}


@pytest.fixture
def broken_plugins(tmp_path, monkeypatch):
    folder = tmp_path / "broken_detectors-1.dist-info"
    folder.mkdir()
    for name, text in BROKEN_DISTRIBUTION.items():
        (folder / name).write_text(text)
    (tmp_path / "crashing_detector.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(str(tmp_path))


def test_the_motion_detector_is_there():
    assert available_detectors()["motion"] is MotionDetector
    assert isinstance(get_detector("motion"), MotionDetector)


def test_an_unknown_detector_names_the_known():
    with pytest.raises(CropzoomError, match=r"no detector 'dance'.*motion"):
        get_detector("dance")


@pytest.mark.usefixtures("broken_plugins")
def test_broken_plugins_are_named_and_do_not_stop_the_others():
    with pytest.warns(UserWarning, match="cannot be loaded") as caught:
        assert set(available_detectors()) == {"motion"}
    assert len(caught) == 3
    assert isinstance(get_detector("motion"), MotionDetector)


@pytest.mark.usefixtures("broken_plugins")
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("missing", "No module named 'no_such_package'"),
        ("crashing", "ZeroDivisionError"),
        ("wrong", "not a detector class"),
    ],
)
def test_a_broken_plugin_says_why(name, reason):
    with pytest.raises(CropzoomError, match=reason):
        get_detector(name)


def test_a_detector_without_dataclass_settings_is_refused():
    entry = EntryPoint("x", "pathlib:Path", detect.GROUP)
    with pytest.raises(TypeError, match="lacks label, help"):
        detect.load(entry)


def test_settings_keep_their_defaults():
    settings = settings_of(get_detector("motion"), {"box_size": 200})
    assert settings == MotionSettings(box_size=200)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"colour": 1}, "no setting 'colour'; it has margin, box_size"),
        ({"margin": -1}, "from 0 to 2, not -1"),
        ({"threshold": "high"}, "must be a number from 1 to 50, not 'high'"),
        ({"threshold": float("nan")}, "not nan"),
        ({"box_size": True}, "not True"),
    ],
)
def test_bad_settings_are_refused(values, message):
    with pytest.raises(CropzoomError, match=message):
        settings_of(get_detector("motion"), values)
