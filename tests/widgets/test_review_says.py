"""What step Review says is whole where the dock has room for it, at every usual size of a screen."""

import ast
from pathlib import Path

import pytest
from qtpy.QtCore import QSize
from qtpy.QtGui import QFont, QFontMetrics
from qtpy.QtWidgets import QLabel

import napari_cropzoom
from gui_events import needs_display, spin, wait_for, wait_until_still
from napari_cropzoom.core.inspection.suspect import Suspect
from napari_cropzoom.widgets.controls import cut
from napari_cropzoom.widgets.steps.review import WAYS_ON
from napari_cropzoom.widgets.steps.reviewing.suspect_list import reason_text
from review_window import make_review, review_window, window_of

pytestmark = [pytest.mark.gui, needs_display]
SOURCE = Path(napari_cropzoom.__file__).parent
SPEAKING = (
    "core/editing",
    "review",
    "tracking",
    "canvas",
    "widgets/steps/parts",
    "widgets/steps/reviewing",
    "widgets/resuming.py",
)
RESUMED = "Review resumed: 17 edits. 1144 of 1200 frames were set by hand, at frame 1010."
FOLLOWED = "Followed over 0 frames; unsure at frame 1010, where the animal is not like before."
TOUCHES = Suspect(1010, 993, 1053, 0.9, ("may be cut off: the pose touches the edge of the box",))
LARGER = "Larger boxes in frames 993 to 1053:\n1.25 to 2.08 times as large"


def messages() -> list[str]:
    """What step Review may say: what is raised or told there, with numbers and names put in."""
    found = {RESUMED, FOLLOWED}
    files = [path for each in SPEAKING for path in (SOURCE / each).rglob("*.py")]
    for path in [*files, SOURCE / "widgets" / "resuming.py"]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and _name(node.func) in ("CropzoomError", "show_info"):
                found |= {_text(arg) for arg in node.args[:1]} - {""}
    return sorted(found)


def _name(node) -> str:
    return getattr(node, "id", getattr(node, "attr", ""))


def _text(node) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(each.value if isinstance(each, ast.Constant) else "1010" for each in node.values)
    return ""


@pytest.fixture(scope="module")
def dock(tmp_path_factory):
    with review_window(*make_review(tmp_path_factory.mktemp("said"))) as dock:
        dock.open_step("review")
        wait_for(lambda: not dock["review"].pixels.is_running, 60)
        yield dock


@pytest.mark.parametrize("has_offer", [True, False])
@pytest.mark.parametrize("size", [(1366, 768), (1280, 720), (960, 540)])
def test_a_message_is_whole_where_there_is_room_or_ends_with_a_sentence(dock, size, has_offer):
    window, step = window_of(dock), dock["review"]
    window.resize(*size)
    wait_for(lambda: (window.width(), window.height()) == size)
    wait_until_still(window)
    step.reason.setText(reason_text(TOUCHES, ""))
    step.alike.setText(LARGER)
    step.alike.setVisible(has_offer)
    assert len(messages()) > 20
    cut, broken = [], []
    for text in messages():
        step.message.show_error(text)
        spin(0)
        shown = QLabel.text(step.message).replace("\u200b", "")
        assert step.message.height() >= step.message.fontMetrics().lineSpacing(), text
        assert step.message.toolTip() in ("", text)
        if step.message.toolTip() == text:
            cut.append(text)
            if not shown.endswith((". …", "; …", ": …", ", …")):
                broken.append(shown)
        if QLabel.text(step.reason) != step.reason.text() and step.reason.isVisible():
            assert step.reason.toolTip() == step.reason.text()
    step.message.clear()
    step.alike.hide()
    if size[1] > 600:
        assert not cut, "\n".join(cut)
    assert not broken, "\n".join(broken)


@pytest.mark.parametrize("size", [(1366, 768), (1280, 720), (960, 540)])
def test_a_warning_that_stands_for_long_takes_no_room_from_the_reason(dock, size):
    window, step = window_of(dock), dock["review"]
    window.resize(*size)
    wait_for(lambda: (window.width(), window.height()) == size)
    wait_until_still(window)
    step.reason.setText(reason_text(TOUCHES, ""))
    step.misfit.show_warning(f"Most boxes hold nothing of what moves. {WAYS_ON}")
    spin(0.05)
    shown = QLabel.text(step.misfit)
    assert step.reason.isVisible()
    assert step.reason.toolTip() == ""
    assert step.misfit.height() >= step.misfit.fontMetrics().lineSpacing()
    assert step.misfit.toolTip() in ("", step.misfit.plain)
    assert step.misfit.toolTip() == "" or shown.endswith("…")
    step.misfit.clear()


def test_what_is_cut_ends_with_a_sentence_or_a_part_of_one(qapp):
    font, text = QFont(), "The box is small. Give a larger size, or a ratio; then run it again."
    metrics = QFontMetrics(font)

    def in_line(text: str, room: str) -> str:
        return cut(text, QSize(metrics.horizontalAdvance(room) + 4, 1), font)

    assert in_line(text, text) == text
    assert in_line(text, "The box is small. Give a larger") == "The box is small. …"
    assert in_line(text, "The box is …").endswith("…")
    part = "The box, which is small, …"
    assert in_line("The box, which is small, is wrong", part) == part
    parts = "Frame 0 · box 396x396 · the model sees it 1.3 times smaller"
    two_lines = QSize(metrics.horizontalAdvance("Frame 0 · box 396x396"), 3 * metrics.lineSpacing())
    assert cut(parts, two_lines, font) in (parts, "Frame 0 · box 396x396 …")
