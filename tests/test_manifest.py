from pathlib import Path

import npe2
import yaml

import napari_cropzoom
from napari_cropzoom.video.names import VIDEO_SUFFIXES

ROOT = Path(__file__).parents[1]
PACKAGED = Path(napari_cropzoom.__file__).with_name("napari.yaml")


def test_the_top_level_manifest_is_a_relative_link_to_the_packaged_one():
    """Where a checkout has no links (Windows), git writes a file with the path of the link."""
    link = ROOT / "napari.yaml"
    path = link.readlink() if link.is_symlink() else Path(link.read_text().strip())
    assert path.as_posix() == PACKAGED.relative_to(ROOT).as_posix()


def test_the_installed_manifest_is_valid():
    manifest = npe2.PluginManifest.from_distribution("napari-cropzoom")
    manifest.validate_imports()
    assert manifest.display_name == "Cropzoom"
    widgets = {widget.display_name for widget in manifest.contributions.widgets}
    assert widgets == {"Cropzoom", "Crop preview", "Timeline", "Projects", "Training"}


def test_the_sample_has_a_name_without_that_of_the_plugin():
    """Napari adds it: "Roaming mouse (Cropzoom)"."""
    [sample] = yaml.safe_load(PACKAGED.read_text())["contributions"]["sample_data"]
    assert sample["display_name"] == "Roaming mouse"


def test_every_video_suffix_is_read_in_both_cases():
    reader = yaml.safe_load(PACKAGED.read_text())["contributions"]["readers"][0]
    patterns = sorted(reader["filename_patterns"])
    assert patterns == sorted(f"*{each}" for one in VIDEO_SUFFIXES for each in (one, one.upper()))
