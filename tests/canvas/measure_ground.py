"""Print as JSON how far the ground of a caption reaches above and below its letters, for each corner.

Run in a process of its own, since Qt takes ``QT_SCALE_FACTOR`` when it starts.
"""

import json

import napari
import numpy as np

from gui_events import spin, wait_for
from napari_cropzoom.canvas.caption import CORNERS, FONT_SIZE, on_ground

MOST = 7
LETTERS = "gjpqy| Frame 12 Q"


def main():
    viewer = napari.Viewer(show=False, show_welcome_screen=False)
    viewer.window.set_geometry(0, 0, 700, 450)
    viewer.window.show()
    overlay = viewer.canvas.overlays.text
    overlay.font_size, overlay.color, overlay.box_color = FONT_SIZE, "lime", "red"
    overlay.visible = overlay.box = True

    def rows(red, green):
        picture = viewer.screenshot(canvas_only=True, flash=False)[..., :3].astype(int)
        return np.flatnonzero((abs(picture - (red, green, 0)) < 100).all(axis=2).any(axis=1))

    found = {}
    for corner in CORNERS:
        for lines in range(1, MOST + 1):
            overlay.position, overlay.text = corner, on_ground([LETTERS] * lines, corner)
            spin(0.1)
            wait_for(lambda: len(rows(0, 255)) and len(rows(255, 0)))
            letters, ground = rows(0, 255), rows(255, 0)
            found[f"{corner} {lines}"] = int(letters[0] - ground[0]), int(ground[-1] - letters[-1])
    print(json.dumps(found))
    viewer.close()


if __name__ == "__main__":
    main()
