"""The queue in the window: its order, its mark, its reasons, and what comes after the last suspect."""

from dataclasses import replace

import numpy as np
import pytest
from qtpy.QtWidgets import QLabel, QPushButton

from gui_events import canvas_of, needs_display, press_key, spin, wait_for
from napari_cropzoom.core.boxes import Review
from napari_cropzoom.core.inspection.inspection import Suspect
from napari_cropzoom.core.inspection.motion import Motion
from napari_cropzoom.core.inspection.queue import SuspectQueue
from napari_cropzoom.review.inspecting.inspector import Inspected
from napari_cropzoom.widgets.steps.reviewing.suspect_list import SuspectList, short_reason
from review_window import JUMP, click_on, make_review, point_at, review_window, window_of

pytestmark = [pytest.mark.gui, needs_display]


@pytest.fixture
def dock(tmp_path):
    with review_window(*make_review(tmp_path)) as dock:
        step = dock["review"]
        wait_for(lambda: dock.controller.session.suspects.is_inspected and step.list.suspects.rows)
        spin(0.2)
        yield dock


def marked(step):
    rows = step.list.selectionModel().selectedRows()
    return rows[0].row() if rows else None


def test_the_mark_goes_down_the_list_with_n_and_the_reason_is_that_of_the_frame(dock):
    step, controller = dock["review"], dock.controller
    suspects = [suspect for _, suspect in step.list.suspects.rows]
    assert len(suspects) >= 3
    assert [each.frame for each in suspects] == sorted(each.frame for each in suspects)
    whole = "; ".join(suspect.reason for suspect in suspects)
    assert " times larger for " in whole
    assert "no box for 6 frames" in whole
    told = "; ".join(
        step.list.suspects.data(step.list.suspects.index(row, 2)) for row in range(len(suspects))
    )
    assert "× larger" in told  # in few letters, since the frames stand beside it
    assert " for " not in told
    reason = dock.findChild(QLabel, "review_reason")
    controller.go_to(0)
    spin(0.1)
    places, heights = [], set()
    for suspect in suspects:
        press_key("n")
        wait_for(lambda suspect=suspect: controller.frame == suspect.frame)
        wait_for(lambda suspect=suspect: short_reason(suspect) in reason.text())
        places.append(marked(step))
        heights.add(reason.height())
        assert short_reason(suspect) in reason.text()
        assert str(suspect.first) in reason.text()
        needed = reason.heightForWidth(reason.width())
        assert reason.height() >= needed, "cut off"
    assert places == list(range(len(suspects)))
    press_key("n")  # after the last, the first
    spin(0.1)
    assert marked(step) == 0

    controller.go_to(suspects[0].last + 5)  # nothing is wrong here
    wait_for(lambda: reason.text() == "No suspect in this frame.")  # texts wait for frames that follow
    wait_for(lambda: marked(step) is None)
    assert not step.message.plain  # and nothing is said of another frame


def test_reviewed_suspects_stay_in_their_place(dock):
    step = dock["review"]
    before = [suspect.frame for _, suspect in step.list.suspects.rows]
    dock.controller.go_to(0)
    press_key("n")
    press_key("g")
    wait_for(lambda: step.list.suspects.rows[0][0] == "✓")
    assert [suspect.frame for _, suspect in step.list.suspects.rows] == before
    assert marked(step) == 1  # G goes on


def pixels_widen(dock, first, last):
    """Have the look at the pixels find that the suspect in these frames begins and ends there."""
    session = dock.controller.session
    suspects, n_frames = session.suspects, session.n_frames
    found = suspects.inspector()()
    wider = [
        replace(each, first=first, last=last) if first <= each.frame <= last else each
        for each in found.queue.inspection.suspects
    ]
    inspection = replace(found.queue.inspection, suspects=tuple(wider))
    seen = Motion(np.full((n_frames, 1, 4), np.nan), np.zeros((n_frames, 1)))
    suspects.see(seen, Inspected(SuspectQueue(inspection), found.track), shown=dock.controller.frame)
    dock["review"].pixels.found.emit()


def test_what_was_accepted_stays_accepted_when_the_suspect_turns_out_to_reach_further(dock):
    step, controller = dock["review"], dock.controller
    count, reason = dock.findChild(QLabel, "review_count"), dock.findChild(QLabel, "review_reason")
    point_at(canvas_of(window_of(dock)))
    assert (step.list.suspects.rows[0][1].first, step.list.suspects.rows[0][1].last) == JUMP
    total = len(step.list.suspects.rows)
    controller.go_to(0)
    press_key("n")
    wait_for(lambda: JUMP[0] <= controller.frame <= JUMP[1])
    press_key("g")
    wait_for(lambda: step.list.suspects.rows[0][0] == "✓")
    assert step.header.state == f"1 of {total} reviewed"

    pixels_widen(dock, JUMP[0] - 5, JUMP[1] + 6)
    wait_for(lambda: len(step.list.suspects.rows) == total + 2)
    rows = [(state, each.first, each.last) for state, each in step.list.suspects.rows[:3]]
    assert rows == [("○", JUMP[0] - 5, JUMP[0] - 1), ("✓", *JUMP), ("○", JUMP[1] + 1, JUMP[1] + 6)]
    assert step.header.state == f"1 of {total + 2} reviewed"  # what was done is not undone
    assert count.text() == f"<b>{total + 2}</b>"

    controller.go_to(0)
    note = f"next to frames {JUMP[0]} to {JUMP[1]}, which you accepted"
    for first, last in [(JUMP[0] - 5, JUMP[0] - 1), (JUMP[1] + 1, JUMP[1] + 6)]:
        press_key("n")
        wait_for(lambda first=first, last=last: first <= controller.frame <= last)
        told = f"Frames {first} to {last}:"  # the note is in both texts: the frames tell which is shown
        wait_for(lambda told=told: told in reason.text())
        assert note in reason.text()
    for number, frame in enumerate([JUMP[0] - 1, JUMP[1] + 1], 2):
        controller.go_to(frame)
        spin(0.3)  # a key that follows at once is held down
        press_key("g")
        wait_for(lambda number=number: step.header.state == f"{number} of {total + 2} reviewed")
    review = controller.session.track.review
    assert (review[JUMP[0] - 5 : JUMP[1] + 7] == Review.ACCEPTED).all()


def test_after_the_last_suspect_a_button_leads_on(dock):
    step = dock["review"]
    go_on = dock.findChild(QPushButton, "review_go_on")
    assert not go_on.isVisible()
    dock.controller.session.accept(0, dock.controller.session.n_frames - 1)
    wait_for(go_on.isVisible)
    click_on(go_on)
    wait_for(lambda: dock["smooth"].is_open)
    assert not step.is_open


def test_the_list_has_as_many_rows_as_there_is_room_for(dock):
    step, window = dock["review"], window_of(dock)
    rows = len(step.list.suspects.rows)
    line = step.list.verticalHeader().defaultSectionSize()
    window.setGeometry(0, 0, 1400, 980)
    spin(0.3)
    assert step.list.viewport().height() >= min(rows, 4) * line
    assert step.list.viewport().height() <= max(rows, 4) * line + 4  # and no empty ones


def look_finds(dock, fewer):
    """Have the queue changed as a look at the pixels does it: other suspects, and the step is told."""
    review, suspects = dock["review"], dock.controller.session.suspects
    review.amount.blockSignals(True)
    review.amount.setValue(5 if fewer else 60)
    review.amount.blockSignals(False)
    suspects.amount = review.amount.value() / 100
    review.pixels.found.emit()


def test_rows_stay_where_they_are_while_the_mouse_is_over_the_step(dock):
    step = dock["review"]
    look_finds(dock, fewer=False)
    spin(0.2)
    rows = list(step.list.suspects.rows)
    point_at(step.accept)
    place = step.accept.mapToGlobal(step.accept.rect().topLeft())
    look_finds(dock, fewer=True)
    spin(0.2)
    assert len(dock.controller.session.queue()) < len(rows)
    assert step.list.suspects.rows == rows
    assert step.accept.mapToGlobal(step.accept.rect().topLeft()) == place
    suspect = next(each for _, each in rows if each in dock.controller.session.queue())
    dock.controller.go_to(suspect.frame)
    click_on(step.accept)
    wait_for(lambda: ("✓", suspect) in step.list.suspects.rows)  # what is done is seen all the same
    assert [each for _, each in step.list.suspects.rows] == [each for _, each in rows]
    point_at(canvas_of(window_of(dock)))
    wait_for(lambda: len(step.list.suspects.rows) < len(rows))


def test_reasons_are_in_full_from_the_top_on_as_far_as_there_is_room(qtbot):
    shown, long = SuspectList(), "still background in the box, something moves elsewhere; jumps 40 px"
    qtbot.addWidget(shown)
    shown.show()
    reasons = ["no box", long, "no box", long, "no box"]
    suspects = [Suspect(10 * i, 10 * i, 10 * i + 4, 0.9, (why,)) for i, why in enumerate(reasons)]
    shown.show_suspects(suspects, [])
    shown.resize(272, 100)
    shown.resize(272, 400)

    def heights():
        return [shown.rowHeight(row) for row in range(5)]

    one, all_of_them = heights()[0], heights()
    assert min(heights()[1], heights()[3]) > one == heights()[2] == heights()[4]
    frame = shown.height() - shown.maximumViewportSize().height()
    assert shown.maximumHeight() >= sum(all_of_them) + frame
    shown.mark(suspects[3])  # another suspect moves no row
    assert heights() == all_of_them
    shown.resize(272, frame + 5 * one + all_of_them[1] - one)  # for the first of them only
    assert heights() == [one, all_of_them[1], one, one, one]
    shown.resize(272, frame + 3 * one)
    assert heights() == [one] * 5
