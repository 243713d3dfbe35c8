"""The tour by itself, in a real window."""

import numpy as np
import pytest

from gui_events import canvas_of, delete_now, hands, needs_display, press_key, spin, wait_for
from lpmodels import make_predictions_folder
from napari_cropzoom.app import add_docks
from napari_cropzoom.core.boxes import Box, Source
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.widgets.tour.presenter import Presenter
from napari_cropzoom.widgets.tour.tasks import TASKS
from napari_cropzoom.widgets.tour.tour import Tour
from review_window import BESIDE, window_of

pytestmark = [pytest.mark.gui, needs_display]

WRONG = 25


@pytest.fixture
def dock(new_viewer):
    viewer = new_viewer()
    hands().move(*BESIDE)
    dock = add_docks(viewer)
    viewer.window.show()
    window_of(dock).setGeometry(0, 0, 1400, 900)
    wait_for(lambda: canvas_of(window_of(dock)).isVisible())
    spin(0.3)
    return dock


@pytest.fixture
def present(dock, video_file, poses, square_path, tmp_path, request):
    """Begin; the detector is elsewhere in one frame, or too small, and both models have predicted before.

    Its keypoints spread now more, now less, so that a median of corner and size shakes the boxes.
    """
    breath = 1 + 0.03 * np.random.default_rng(0).integers(-3, 4, len(poses))
    middle = poses.xy[:, 2:]
    xy = middle + (poses.xy - middle) * breath[:, None, None]
    if getattr(request, "param", "elsewhere") == "small":
        xy[WRONG] = middle[WRONG] + 0.3 * (xy[WRONG] - middle[WRONG])
    else:
        xy[WRONG] += 80, -60
    off = Poses(poses.names, xy, poses.likelihood)
    detector = make_predictions_folder(tmp_path / "models" / "detector", video_file, off)
    pose = make_predictions_folder(tmp_path / "models" / "pose", video_file, poses)

    def open_video():
        dock["video"].open(video_file)
        dock["detect"].choose_model(detector)
        dock["pose"].choose_model(pose)

    def right_box(frame):
        x, y = square_path[frame]
        return Box(x - 18, y - 18, 36, 36)

    def begin(pace):
        presenter = Presenter(dock, open_video, right_box, pace)
        presenter.begin()
        return presenter

    return begin


@pytest.mark.parametrize("present", ["elsewhere", "small"], indirect=True)
def test_it_does_every_task_and_leaves_the_right_box(dock, present, square_path):
    presenter = present(30.0)
    finished = []
    presenter.finished.connect(lambda: finished.append(True))
    wait_for(lambda: finished, 90)
    session = dock.controller.session
    assert presenter.tour.number == len(TASKS)
    assert session.pose_poses is not None
    assert session.sizing.crop_ratio == pytest.approx(1.75, abs=0.02)
    assert session.smoothing.window == 15
    assert session.smoothing.method == "gaussian"  # what is offered where the median shakes the boxes
    assert session.track.source[WRONG] == Source.MANUAL
    off = np.abs(np.array(session.track.box(WRONG).center) - square_path[WRONG])
    assert off.max() < 4
    assert session.track.box(WRONG).w == pytest.approx(36, abs=6)
    assert not presenter.is_paused
    presenter.leave()
    delete_now()
    wait_for(lambda: dock.findChild(Presenter) is None)


def test_space_pauses_the_right_arrow_goes_on_and_esc_leaves(dock, present):
    presenter = present(0.2)
    press_key("space")
    wait_for(lambda: presenter.is_paused)
    assert "Paused" in presenter.tour.panel.keys.text()
    before = dock.controller.frame
    hands().key("Right")
    wait_for(lambda: not presenter.is_paused)
    assert presenter.tour.number == 0
    hands().key("Right")  # now it reads no longer, and opens the video
    wait_for(lambda: dock.controller.session is not None)
    assert dock.controller.frame == before
    press_key("Escape")
    wait_for(lambda: dock.findChild(Presenter) is None)
    assert dock.findChild(Tour) is None
    assert dock.controller.session is not None
