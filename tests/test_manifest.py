from pathlib import Path

import npe2
import pytest
import yaml

import napari_cropzoom
from napari_cropzoom import writer
from napari_cropzoom.files.formats.registry import EXPORTS, POSE_EXPORTS
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


def test_every_export_that_is_one_file_is_among_those_that_save_layers():
    given = yaml.safe_load(PACKAGED.read_text())["contributions"]
    commands = {each["id"]: each.get("python_name") for each in given["commands"]}
    for exports, kind in ((EXPORTS, "shapes"), (POSE_EXPORTS, "points")):
        endings = {
            each["command"]: each["filename_extensions"]
            for each in given["writers"]
            if each["layer_types"] == [kind]
        }
        for each in exports:
            if each.patterns and each.name != "table":  # a table is saved with the review itself
                command = f"napari-cropzoom.write_{each.name}"
                cure = f"put {command} into the commands and writers ({kind}) of napari.yaml"
                assert commands.get(command) == f"napari_cropzoom.writer:write_{each.name}", cure
                assert endings.get(command) == [each.patterns[0].removeprefix("*")], cure


def test_what_is_no_export_has_no_writer():
    assert writer.write_mot.__doc__ != writer.write_coco.__doc__
    for name in ("write_nothing", "mot"):
        with pytest.raises(AttributeError, match=name):
            getattr(writer, name)
