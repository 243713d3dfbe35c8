"""The dock's menu Keypoints."""

import pytest
from napari.components import ViewerModel

from napari_cropzoom.widgets.controller import Controller
from napari_cropzoom.widgets.keypoint_menu import KeypointMenu


@pytest.fixture
def menu(detected):
    return detected.menu.keypoint_menu


def action(menu, text):
    menu.aboutToShow.emit()
    return next(each for each in menu.actions() if each.text() == text)


def test_it_shows_and_hides_the_keypoints_of_each_model(menu):
    layers = menu.controller.layers
    assert not action(menu, "Pose model's keypoints").isEnabled()
    shown = action(menu, "Detector's keypoints")
    assert shown.isChecked()
    shown.trigger()
    assert not layers.points["detector"].layer.visible
    layers.points["detector"].layer.visible = True  # by the eye in napari's list
    assert action(menu, "Detector's keypoints").isChecked()


def test_choices_show_at_once_and_are_kept(menu, qtbot):
    layers = menu.controller.layers
    action(menu, "Colour by body part").trigger()
    action(menu, "Names").trigger()
    layer = layers.points["detector"].layer
    assert len({tuple(color) for color in layer.face_color}) == 3
    assert list(layer.text.values) == ["nose", "tail", "back"]
    other = KeypointMenu(Controller(ViewerModel()), print, None)
    qtbot.addWidget(other)
    assert action(other, "Colour by body part").isChecked()
    assert not action(other, "Colour by likelihood").isChecked()
    assert action(other, "Names").isChecked()


def test_a_skeleton_is_written_by_a_person_and_kept_for_its_body_parts(detected, menu):
    layers = menu.controller.layers
    assert not action(menu, "Skeleton").isEnabled()
    menu.ask_skeleton = lambda before: "nose - back\n\n back - tail \n"
    action(menu, "Change the skeleton …").trigger()
    assert layers.looks.skeleton == (("nose", "back"), ("back", "tail"))
    assert len(layers.skeleton.layer.data) == 2
    action(menu, "Skeleton").trigger()
    assert layers.looks.skeleton == ()
    assert not action(menu, "Skeleton").isChecked()
    action(menu, "Skeleton").trigger()
    assert len(layers.skeleton.layer.data) == 2
    menu.ask_skeleton = lambda before: before.replace("nose", "wing")
    action(menu, "Change the skeleton …").trigger()
    said = [step.message.plain for step in detected.steps.values()]
    assert any("line 1: 'wing - back' is not two body parts" in text for text in said)
    assert layers.looks.skeleton == (("nose", "back"), ("back", "tail"))
    menu.ask_skeleton = lambda before: None
    action(menu, "Change the skeleton …").trigger()
    assert len(layers.skeleton.layer.data) == 2


def test_the_project_of_the_model_brings_its_skeleton(menu, model_folder):
    (model_folder.parent.parent / "project.yaml").write_text("skeleton: [[nose, tail]]")
    menu._of_project.clear()
    menu.controller.changed.emit()
    assert menu.controller.layers.looks.skeleton == (("nose", "tail"),)
