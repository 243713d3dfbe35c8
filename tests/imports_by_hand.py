"""Boxes in files of other programs, and a person before the import dialog, for tests to import."""

import numpy as np

from gui_events import wait_for
from review_window import click_on


def boxes(n, x=10.0, gap=()):
    """(n, 4) boxes that move to the right, none in ``gap``."""
    t = np.arange(n)
    made = np.column_stack([x + 8.0 * t, np.full(n, 60.0), np.full(n, 60.0), np.full(n, 40.0)])
    made[list(gap)] = np.nan
    return made


def mot(path, *tracks):
    """Write MOTChallenge, as a tracker does: frames from 1, confidence 0.9."""
    lines = [
        f"{frame + 1},{number},{x:g},{y:g},{w:g},{h:g},0.9,-1,-1,-1"
        for number, track in enumerate(tracks, 1)
        for frame, (x, y, w, h) in enumerate(track.tolist())
        if x == x
    ]
    path.write_text("\n".join(lines) + "\n")
    return path


def table(path, header, rows):
    """Write a CSV."""
    path.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n")
    return path


def dialog_of(dock):
    """The import dialog, once it shows what a file would become."""
    taking = dock["boxes"].taking
    wait_for(lambda: taking.dialog is not None and taking.dialog.isVisible())
    wait_for(lambda: not taking.dialog._latest.is_running and not taking._reading.is_running)
    return taking.dialog


def choose(combo, value):
    """Choose an entry as a person does."""
    combo.setCurrentIndex(combo.findData(value))
    combo.activated.emit(combo.currentIndex())


def listed(dialog):
    """The animals of the dialog."""
    return [dialog.animals.item(row).text() for row in range(dialog.animals.count())]


def take(dock, dialog):
    """Click *Import*."""
    wait_for(dialog.ok.isEnabled)
    click_on(dialog.ok)
    wait_for(lambda: dock["boxes"].taking.dialog is None)
