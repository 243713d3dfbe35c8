"""The skeleton of a project of Lightning Pose's app."""

from pathlib import Path

import pytest
import yaml

from napari_cropzoom.engine.skeleton import skeleton_of


def project(tmp_path: Path, skeleton: object) -> Path:
    model = tmp_path / "data" / "models" / "m"
    model.mkdir(parents=True)
    content = {"keypoint_names": ["nose", "neck", "tail"], "skeleton": skeleton, "schema_version": 1}
    (tmp_path / "data" / "project.yaml").write_text(yaml.safe_dump(content))
    return model


@pytest.mark.parametrize(
    ("skeleton", "expected"),
    [
        ([["nose", "neck"], ["neck", "tail"]], (("nose", "neck"), ("neck", "tail"))),
        ([[0, 1], [1, 2]], (("nose", "neck"), ("neck", "tail"))),
        ([[0, 7], [0, 0], ["nose"], "nose", None, [True, 1], [1.5, 0]], ()),
        ("nose", ()),
        (None, ()),
    ],
)
def test_pairs_of_names_or_numbers(tmp_path, skeleton, expected):
    assert skeleton_of(project(tmp_path, skeleton)) == expected


def test_the_data_directory_of_the_config_counts(tmp_path):
    project(tmp_path, [["nose", "tail"]])
    elsewhere = tmp_path / "far" / "away" / "from" / "it" / "model"
    elsewhere.mkdir(parents=True)
    assert skeleton_of(elsewhere) == ()
    (elsewhere / "config.yaml").write_text(yaml.safe_dump({"data": {"data_dir": str(tmp_path / "data")}}))
    assert skeleton_of(elsewhere) == (("nose", "tail"),)


def test_a_project_that_cannot_be_read_has_none(tmp_path):
    model = project(tmp_path, [])
    (tmp_path / "data" / "project.yaml").write_text("skeleton: [")
    assert skeleton_of(model) == ()
