"""A napari window with a player, and hands for it."""

from __future__ import annotations

from collections.abc import Iterable

import napari
import numpy as np
from qtpy.QtWidgets import QApplication

from gui_events import spin, wait_for
from napari_cropzoom.app import find_dock
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.widgets.player import Player
from napari_cropzoom.widgets.stand_in import StandIn
from videos import read_number

N = 90  # frames of its video


def watch(player: Player) -> list[tuple[int, int, int]]:
    """Every frame that was drawn: the number asked for, the one in the picture, the one of the layer."""
    layers, seen = player.playback._bench.layers, []

    def note(frame: int) -> None:
        source = layers.video.source
        seen.append((frame, read_number(source[frame, :, :]), source.shown))

    player.playback.shown.connect(note)
    return seen


def play_to_the_end(player: Player) -> None:
    """Press play and wait."""
    player.play.click()
    assert player.playback.is_playing
    wait_for(lambda: not player.playback.is_playing, timeout=60)


def wait_for_screen(owner: object) -> None:
    """Wait until a screen of the playback or the stand-in is there to be seen."""
    wait_for(lambda: owner.screen is not None and owner.screen.isVisible())


def screens() -> list[object]:
    """Screens that Qt knows of, whatever Python does."""
    return [window for window in QApplication.allWindows() if window.objectName() == "cropzoom_screen"]


def run_quickly(viewer: napari.Viewer, frames: Iterable[int]) -> StandIn:
    """Steps as close as those of a held key, until a screen shows them; returns who owns that."""
    stand_in = find_dock(viewer).stand_in
    for frame in frames:
        viewer.dims.set_current_step(0, frame)
        spin(0.02)
    wait_for_screen(stand_in)
    return stand_in


def add_keypoints(player: Player) -> None:
    """Two keypoints that stay where they are, one of them unlikely."""
    xy = np.tile(np.array([[70.0, 90], [250, 200]]), (N, 1, 1))
    poses = Poses(("nose", "tail"), xy, np.tile([0.9, 0.2], (N, 1)))
    player.playback._bench.session.set_predictions("pose", poses)
