"""Buttons of the step *Review* that can do nothing say why."""

from qtpy.QtWidgets import QPushButton

from napari_cropzoom.core.boxes import Box
from napari_cropzoom.widgets.steps.reviewing.suspect_buttons import LABELS, why_nothing


def test_without_boxes_nothing_is_offered_and_the_reason_is_told(opened, wait):
    opened.open_step("review")
    review = opened["review"]
    tools = review.range_buttons.findChildren(QPushButton)
    tools = [each for each in tools if each.isVisibleTo(review.range_buttons)]
    changing = [each for each in tools if each.objectName() != "range_numbers"]
    for each in (*review.buttons.values(), *changing):
        assert not each.isEnabled(), each.objectName()
        assert each.toolTip().startswith(("There are no boxes yet. Make them", "Nothing was", "There is"))
    session = opened.controller.session
    assert why_nothing(session, is_working=True) == "There are no boxes yet: a step runs."
    session.set_box(0, Box(10, 10, 40, 40))
    wait(review.buttons["accept"].isEnabled)
    usable = {name for name in LABELS if review.buttons[name].isEnabled()}
    assert {"accept", "delete", "undo"} <= usable
    assert {"fill", "redo"}.isdisjoint(usable)
    assert review.buttons["fill"].toolTip() == "This frame has a box."
    assert review.buttons["undo"].toolTip().startswith("Undo: ")
    assert all(each.isEnabled() for each in changing)
    assert not any("no boxes" in each.toolTip() for each in changing)
    session.undo()
    wait(lambda: not review.buttons["accept"].isEnabled())
