"""Two windows of one review, and what a window leaves when it closes."""

import pytest
from qtpy.QtGui import QOpenGLContext
from vispy.gloo.glir import GlirParser

from gui_events import canvas_of, hands, needs_display, spin, wait_for
from napari_cropzoom.core.boxes import Box
from review_window import (
    begin_again,
    click_on,
    make_review,
    review_window,
)

pytestmark = [pytest.mark.gui, needs_display]

HERE = Box(60, 60, 40, 30)


@pytest.fixture
def dock(window):
    return begin_again(window)


def test_a_second_window_says_that_it_is_read_only_and_edits_nothing(dock, review_files):
    assert not dock.read_only.isVisible()
    first = dock.controller.session
    first.set_box(41, HERE)
    with review_window(*review_files) as second:
        session = second.controller.session
        wait_for(second.read_only.isVisible)
        assert "open in another window" in second.read_only.plain
        assert session.track.box(41) == HERE
        second["video"].resumed.emit(f"Review resumed: 1 edit. {session.read_only}")
        assert second["review"].message.plain.startswith("Review resumed: 1 edit.")
        assert "read-only" not in second["review"].message.plain  # said once
        second.controller.go_to(41)
        canvas = canvas_of(second.window())
        for act in ("j", "Delete", "g", "ctrl+z"):
            canvas.setFocus()
            spin(0.02)
            hands().key(act)
            wait_for(lambda: "read-only" in second["review"].message.plain)
            second["review"].message.clear()
        click_on(second.findChild(type(second["review"].undo), "range_absent"))
        assert "read-only" in second["review"].message.plain
        assert session.track.box(41) == HERE
        assert len(session.history) == 1
        assert second.read_only.isVisible()
    assert not dock.read_only.isVisible()
    first.undo()


def test_a_review_ends_with_its_window(dock, tmp_path):
    video, boxes = make_review(tmp_path)
    with review_window(video, boxes) as closed:
        closed.controller.session.set_box(7, HERE)
        closed.controller.viewer.close()
        assert closed.controller.session is None
        with review_window(video, boxes) as other:
            assert other.controller.session.read_only == ""
            assert other.controller.session.track.box(7) == HERE


def test_a_window_frees_what_it_drew_with_in_its_own_context(dock, tmp_path, monkeypatch):
    parse, contexts = GlirParser.parse, {}

    def watch(parser, commands):
        context = QOpenGLContext.currentContext()
        if context is None:  # the window that is closed here is closed again, with nothing left to free
            assert [tuple(each) for each in commands] == [("FUNC", "glFinish")]
        else:
            contexts.setdefault(parser, set()).add(context)
        return parse(parser, commands)

    monkeypatch.setattr(GlirParser, "parse", watch)
    video, boxes = make_review(tmp_path)
    with review_window(video, boxes) as other:
        viewer = other.controller.viewer
        for remove in (lambda: viewer.layers.remove(viewer.add_points([[0, 5, 5]])), viewer.close):
            spin(0.3)
            canvas_of(dock.window()).makeCurrent()
            remove()
    assert len(contexts) >= 1
    assert all(len(each) == 1 for each in contexts.values())
