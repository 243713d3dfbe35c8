"""A napari window with a player, and hands for it."""

from __future__ import annotations

import numpy as np
from qtpy.QtWidgets import QApplication

from gui_events import wait_for
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.widgets.player.player import Player
from videos import read_number

N = 90  # frames of its video


def watch(player: Player) -> list[tuple[int, int]]:
    """Every frame that was drawn: the number asked for, and the one in the picture."""
    controller, seen = player.playback._controller, []

    def note(frame: int) -> None:
        seen.append((frame, read_number(controller.layers.video.layer.data[frame])))

    player.playback.shown.connect(note)
    return seen


def play_to_the_end(player: Player) -> None:
    """Press play and wait."""
    player.play.click()
    assert player.playback.is_playing
    wait_for(lambda: not player.playback.is_playing, timeout=60)


def wait_for_painter(player: Player) -> None:
    """Wait until a painter in front of the canvas is there to be seen."""
    wait_for(lambda: player.playback.painter is not None and player.playback.painter.isVisible())


def frame_windows() -> list[object]:
    """Painters' windows that Qt knows of, whatever Python does."""
    return [one for one in QApplication.allWindows() if one.objectName() == "cropzoom_frame_window"]


def add_keypoints(player: Player) -> None:
    """Two keypoints that stay where they are, one of them unlikely."""
    xy = np.tile(np.array([[70.0, 90], [250, 200]]), (N, 1, 1))
    poses = Poses(("nose", "tail"), xy, np.tile([0.9, 0.2], (N, 1)))
    player.playback._controller.session.set_predictions("pose", poses)
