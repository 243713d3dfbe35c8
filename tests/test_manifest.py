import zipfile
from pathlib import Path

import npe2
import pytest
import yaml

import napari_cropzoom

ROOT = Path(__file__).parents[1]
PACKAGED = Path(napari_cropzoom.__file__).with_name("napari.yaml")


def test_the_top_level_manifest_is_a_relative_link_to_the_packaged_one():
    link = ROOT / "napari.yaml"
    assert link.read_bytes() == PACKAGED.read_bytes()
    assert link.is_symlink()
    assert not link.readlink().is_absolute()


def test_the_installed_manifest_is_valid():
    manifest = npe2.PluginManifest.from_distribution("napari-cropzoom")
    manifest.validate_imports()
    assert manifest.display_name == "Cropzoom"
    widgets = {widget.display_name for widget in manifest.contributions.widgets}
    assert widgets == {"Cropzoom", "Crop preview", "Timeline"}


def test_every_video_suffix_is_read_in_both_cases():
    reader = yaml.safe_load(PACKAGED.read_text())["contributions"]["readers"][0]
    patterns = set(reader["filename_patterns"])
    assert {f"*.{suffix}" for suffix in ("mp4", "mov", "avi", "mkv", "m4v", "MP4")} <= patterns


def test_the_wheel_carries_the_manifest_and_its_entry_point(tmp_path):
    builder = pytest.importorskip("hatchling.builders.wheel", reason="hatchling is not installed")
    wheel = next(builder.WheelBuilder(str(ROOT)).build(directory=str(tmp_path)))
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        assert archive.read("napari_cropzoom/napari.yaml") == PACKAGED.read_bytes()
        entry = next(name for name in names if name.endswith("entry_points.txt"))
        assert "napari-cropzoom = napari_cropzoom:napari.yaml" in archive.read(entry).decode()
