"""The look at the pixels in a real window: it begins by itself, and the queue grows by what it finds."""

import numpy as np
import psutil
import pytest

from gui_events import needs_display, press_key, wait_for
from napari_cropzoom.core.inspection.inspection import at_least
from napari_cropzoom.files.bbox_csv import write_bbox_csv
from napari_cropzoom.widgets.steps.reviewing import pixel_look
from review_window import click_on, review_window
from videos import write_video

pytestmark = [
    pytest.mark.gui,
    needs_display,
    pytest.mark.timeout(180),
    pytest.mark.usefixtures("fresh_data"),
]

N, SIDE, WRONG = 150, 24, slice(30, 140)
WIDTH, HEIGHT = 320, 240


def places():
    """Centre of the animal in each frame, (N, 2)."""
    t = np.arange(N)
    return np.column_stack([160 + 110 * np.sin(t / 18), 120 + 80 * np.sin(t / 11)]).round()


def pictures(shake=0.0):
    rng = np.random.default_rng(0)
    floor = rng.integers(90, 110, (HEIGHT, WIDTH)).astype(np.uint8)
    floor[20 : 20 + SIDE, 20 : 20 + SIDE] = 30  # what looks like the animal and never moves
    for x, y in places().astype(int):
        picture = floor.copy()
        picture[y - SIDE // 2 : y + SIDE // 2, x - SIDE // 2 : x + SIDE // 2] = 30
        yield rng.integers(0, 255, picture.shape).astype(np.uint8) if shake else picture


def boxes():
    """Right at first and at the end; between, steady on the look-alike."""
    found = np.column_stack([places() - 16, np.full((N, 2), 32.0)])
    found[WRONG] = [16, 16, 32, 32]
    return found


@pytest.fixture
def files(tmp_path):
    path = tmp_path / "preds" / "v_bbox.csv"
    write_bbox_csv(path, boxes())
    return write_video(tmp_path / "v.mp4", list(pictures())), path


def told(session):
    found = np.zeros(N, bool)
    for each in at_least(session.suspects.entries()[0]):
        found[each.first : each.last + 1] = True
    return found


def test_the_queue_grows_by_itself_and_says_what_is_wrong_as_a_whole(files, tmp_path):
    with review_window(*files) as dock:
        session, review, said = dock.controller.session, dock["review"], []
        assert review.misfit.isHidden()
        review.pixels.status_changed.connect(lambda: said.append(review.pixels.status.text()))
        wait_for(lambda: review.pixels.is_running)
        assert review.pixels.run_button.isHidden()
        wait_for(lambda: session.suspects.missed > 0.7, 60)  # of the last part of the video too
        wait_for(lambda: not review.pixels.is_running and not review.misfit.isHidden())
        assert any(each.startswith("Pixel check: ") and "%" in each for each in said)
        found = session.suspects.motion
        assert told(session)[WRONG].mean() > 0.95
        assert told(session)[:28].sum() + told(session)[142:].sum() == 0
        percent = round(100 * session.suspects.missed)
        assert 70 <= percent <= 76
        assert f"In {percent} % of the frames what moves is not in the box" in review.misfit.plain
        assert "motion" in review.misfit.plain
        dock.controller.go_to(0)
        press_key("n")
        assert WRONG.start <= dock.controller.frame < WRONG.stop
        assert not [*tmp_path.rglob("*motion*")]  # nothing of it stays beside the video
    with review_window(*files) as dock:  # the same video is not looked at twice
        session, pixels = dock.controller.session, dock["review"].pixels
        wait_for(lambda: session.suspects.motion is not None)
        assert pixels._worker is None
        np.testing.assert_array_equal(session.suspects.motion.boxes, found.boxes)


def test_it_waits_for_a_stage_that_runs(files, tmp_path, monkeypatch):
    monkeypatch.setattr(pixel_look, "MS_AFTER_BOXES", 100)
    with review_window(*files) as dock:
        controller, review, asked = dock.controller, dock["review"], []
        pixels = review.pixels
        wait_for(lambda: pixels.is_running)
        pixels.release()  # as if nothing had begun
        job = controller.start("pixels", {"video": files[0], "output": tmp_path / "m.npz"})
        job.progress.connect(job.pause)
        pixels._soon.timeout.connect(lambda: asked.append(pixels.is_running))
        controller.changed.emit()
        wait_for(lambda: len(asked) >= 3)
        assert not any(asked)
        controller.session.accept(0, N - 1)
        wait_for(lambda: review.header.state.endswith(" so far · the pixels come next"))
        assert review.go_on.text() == "All reviewed so far: go on to Smooth ▶"
        job.cancel()
        wait_for(lambda: pixels.is_running)
        wait_for(lambda: review.header.state.endswith(" so far · looking at the pixels"))


def test_it_can_be_stopped_and_asked_for_again(files):
    with review_window(*files) as dock:
        session, pixels = dock.controller.session, dock["review"].pixels
        wait_for(lambda: pixels.is_running and pixels.cancel_button.isVisible())
        click_on(pixels.cancel_button)
        wait_for(lambda: not pixels.is_running)
        assert session.suspects.motion is None
        wait_for(lambda: pixels.run_button.isVisible())
        click_on(pixels.run_button)
        wait_for(lambda: session.suspects.motion is not None, 60)
        wait_for(lambda: pixels.run_button.isHidden())


def seconds_used(pid):
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


def test_it_waits_while_frames_are_stepped_through_and_goes_on_after(tmp_path, monkeypatch):
    monkeypatch.setattr(pixel_look, "MS_AFTER_FRAMES", 3000)  # keys come slowly on a busy machine
    boxes_csv = tmp_path / "v_bbox.csv"
    pictures_of_one_round = list(pictures())
    write_bbox_csv(boxes_csv, np.tile(boxes(), (8, 1)))
    video = write_video(tmp_path / "v.mp4", pictures_of_one_round * 8)
    with review_window(video, boxes_csv) as dock:
        session, pixels = dock.controller.session, dock["review"].pixels
        wait_for(lambda: pixels.is_running and pixels.bar.value() > 0, 60)
        pid = pixels._worker.pid
        used = [0.0, 1.0]

        def rests():
            press_key("Right")
            used.append(seconds_used(pid))
            return used[-1] == used[-2] == used[-3]

        wait_for(rests, 8)
        before = seconds_used(pid)
        for _ in range(10):
            press_key("Right")
        assert seconds_used(pid) - before < 0.2  # of seconds that it would use
        assert pixels.is_running
        wait_for(lambda: session.suspects.motion is not None and not pixels.is_running, 60)


def test_frames_without_end_do_not_hold_it_up_for_good(tmp_path, monkeypatch):
    monkeypatch.setattr(pixel_look, "MS_BEHIND_FRAMES", 300)
    boxes_csv = tmp_path / "v_bbox.csv"
    write_bbox_csv(boxes_csv, boxes())
    with review_window(write_video(tmp_path / "v.mp4", list(pictures())), boxes_csv) as dock:
        session, pixels = dock.controller.session, dock["review"].pixels
        wait_for(lambda: pixels.is_running, 60)

        def done_beside_steps():
            press_key("Right")
            return session.suspects.motion is not None and not pixels.is_running

        wait_for(done_beside_steps, 90)


def test_a_camera_that_moves_is_said_quietly(tmp_path):
    path = tmp_path / "v_bbox.csv"
    write_bbox_csv(path, boxes())
    video = write_video(tmp_path / "v.mp4", list(pictures(shake=1.0)))
    with review_window(video, path) as dock:
        pixels = dock["review"].pixels
        wait_for(lambda: "camera moves" in pixels.status.text(), 60)
        assert not pixels.to_come
        assert dock.controller.session.suspects.motion is None
        assert not dock["review"].message.plain
        assert pixels.run_button.isHidden()


def test_closing_the_dock_ends_it(files):
    with review_window(*files) as dock:
        pixels = dock["review"].pixels
        wait_for(lambda: pixels.is_running and pixels._worker.pid)
        process = pixels._worker._process
        dock.controller.close_session()
        wait_for(lambda: not pixels.is_running)
        assert process is not None
        assert pixels._worker is None


def test_what_is_reviewed_while_it_looks_is_so_only_so_far(files):
    video, path = files
    drifting = np.column_stack([places() - 16, np.full((N, 2), 32.0)])
    drifting[:, 0] += np.interp(np.arange(N), [30, 45, 124, 139], [0, 60, 60, 0]).round()
    drifting[10, 0] += 60  # all that is odd without the pixels
    write_bbox_csv(path, drifting)
    with review_window(video, path) as dock:
        session, review, pixels = dock.controller.session, dock["review"], dock["review"].pixels
        wait_for(lambda: pixels.is_running)
        pixels.job.pause()
        for each in session.queue():
            session.accept(each.first, each.last)
        count = len(session.suspects.entries()[1])
        wait_for(lambda: review.header.state == f"{count} of {count} so far · looking at the pixels")
        assert review.go_on.isVisible()
        assert review.go_on.text() == "All reviewed so far: go on to Smooth ▶"
        pixels.job.resume()
        wait_for(lambda: "more suspect" in review.message.plain, 60)
        assert review.message.plain.endswith(" found in the pixels.")
        wait_for(lambda: not pixels.to_come, 60)
        assert session.queue()
        assert review.header.state.endswith(" reviewed")
        assert not review.header.state.startswith("✓")
        session.accept(0, N - 1)
        wait_for(lambda: review.go_on.isVisible() and review.header.state.startswith("✓"))
        assert review.go_on.text() == "All reviewed: go on to Smooth ▶"
