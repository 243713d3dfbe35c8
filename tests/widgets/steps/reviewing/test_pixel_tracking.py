import numpy as np

from napari_cropzoom.core.boxes import Box, Source


def begin(dock, square_path, frame, side=60):
    x, y = square_path[frame].round()
    dock.controller.session.set_box(frame, Box(x - side / 2, y - side / 2, side, side))
    dock.controller.go_to(frame)
    dock.open_step("review")
    return dock["review"].tracking


def centres(session, first, last):
    boxes = session.track.boxes[first : last + 1]
    return boxes[:, :2] + boxes[:, 2:] / 2


def test_an_animal_is_followed_on_and_back_as_one_edit_each(opened, square_path, wait):
    follower, session = begin(opened, square_path, 20), opened.controller.session
    for direction, first, last in ((1, 21, 39), (-1, 0, 19)):
        count = len(session.history)
        follower.start(direction)
        assert follower.is_running
        wait(lambda: not follower.is_running, 60_000)
        assert len(session.history) == count + 1
        assert "follow the animal over frames" in session.history.undo_label
        error = np.hypot(*(centres(session, first, last) - square_path[first : last + 1]).T)
        assert np.nanmedian(error) < 3
        assert (session.track.source[first : last + 1] == Source.INTERPOLATED).mean() > 0.8
    assert "Followed over" in opened["review"].message.plain


def test_the_selection_is_the_end_of_it(opened, square_path, wait):
    follower, session = begin(opened, square_path, 10), opened.controller.session
    opened.controller.selection = (5, 18)
    follower.start(1)
    wait(lambda: not follower.is_running, 60_000)
    assert session.track.is_missing[19:].all()
    assert not session.track.is_missing[11:19].any()


def test_it_can_be_stopped_and_then_nothing_has_changed(opened, square_path, wait):
    follower, session = begin(opened, square_path, 10), opened.controller.session
    follower.start(1)
    follower.start(1)
    wait(lambda: not follower.is_running, 60_000)
    assert len(session.history) == 1
    assert "stopped" in opened["review"].message.plain


def test_without_a_box_it_says_what_to_do(opened):
    opened.open_step("review")
    opened["review"].tracking.start(1)
    assert "Set the right box in this frame first" in opened["review"].message.plain
    assert not opened["review"].tracking.is_running
