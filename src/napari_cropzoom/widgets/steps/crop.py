"""Step *Crop*: write the cropped video.

Object names: ``crop_path``, ``crop_encoding`` (unfolds ``crop_encoder``, ``crop_preset``, ``crop_crf``),
``crop_run``, ``crop_cancel``, ``crop_progress``, ``crop_status``, ``crop_open``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from napari_cropzoom.core.boxes import FloatArray
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.crop.crop import clamp
from napari_cropzoom.crop.record import read_side_file, record_path
from napari_cropzoom.jobs import DRAWN_FIRST, Latest, run_in_thread
from napari_cropzoom.review.saved_files import Stamp, stamp_of
from napari_cropzoom.review.tracks import Revision
from napari_cropzoom.video.video import Video
from napari_cropzoom.widgets.controller import Controller
from napari_cropzoom.widgets.controls import PathLabel, button, delayed, note
from napari_cropzoom.widgets.steps.base import Needs
from napari_cropzoom.widgets.steps.job_step import NO_ANIMAL_IN_CROP, JobStep, doubts_of
from napari_cropzoom.widgets.steps.parts.encoding import EncodingBox

COMPARE_MS = 300  # without another edit


class CropStep(JobStep):
    """Where the crop goes, how it is encoded, run."""

    key = "crop"
    title = "Crop"
    help = "Write a video that holds the inside of the boxes only."
    place = 60
    needs = Needs.BOXES
    next_key = "pose"

    def __init__(self, controller: Controller, number: int) -> None:
        self._animal = ""
        self._compared: tuple[Revision, bool] | None = None  # the crop on disk with boxes of a revision
        self._asked: tuple[Revision, Stamp | None] | None = None
        self._comparing = Latest(self._on_compared, pause=DRAWN_FIRST)
        super().__init__(controller, number)

    def build(self) -> None:
        """Output, encoding, run, open."""
        self.output_label = PathLabel()
        self.output_label.setObjectName("crop_path")
        self.encoding = EncodingBox()
        self._was_shown = False
        self.open_button = button("Open the crop as a layer", "crop_open")
        self.form.addWidget(note("The reviewed boxes are saved first; the crop is made with those."))
        self.doubts = note("", "crop_doubts")
        self.form.addWidget(self.doubts)
        self.form.addWidget(self.output_label)
        self.form.addWidget(self.encoding)
        self.add_job_bar("Save boxes and crop", self.run, self.on_done)
        self.job_bar.ended.connect(self._show_again)
        self.form.addWidget(self.open_button)
        self.open_button.clicked.connect(self.open_crop)
        self._compare_later = delayed(self, self._compare_folded, COMPARE_MS)

    def summary(self) -> tuple[str, bool]:
        """Name of the cropped video, or that it shows other boxes than those here."""
        if self.job_bar.is_running:
            return self.job_bar.short, False
        session, output = self.controller.session, self.controller.crop_output()
        if session is None or output is None or not output.is_file():
            return "", False
        if self._compared is None:
            return "a crop made before is there", False
        revision, is_same = self._compared
        if revision != session.revision:
            return "● boxes changed since", False
        return (output.name, True) if is_same else ("● made with other boxes", False)

    def refresh(self) -> None:
        """Also forget the crop of another animal; compare a folded step's with changed boxes."""
        session = self.controller.session
        animal = session.current if session is not None else ""
        if animal != self._animal:
            self._animal = animal
            self._comparing.drop()
            self._compared = self._asked = None
            self.message.clear()
        super().refresh()
        is_known = self._compared is not None and session and self._compared[0] == session.revision
        if session is not None and session.has_boxes and not self.is_open and not is_known:
            self._compare_later.start()

    def _compare_folded(self) -> None:
        if not self.is_open and not self.job_bar.is_running:
            self._compare()

    def update_body(self) -> None:
        """Show where the crop goes and whether one is there."""
        output, session = self.controller.crop_output(), self.controller.session
        self.output_label.set_path(output)
        self.doubts.setText(doubts_of(session, NO_ANIMAL_IN_CROP) if session else "")
        self.doubts.setVisible(bool(self.doubts.text()))
        self.open_button.setEnabled(not self.job_bar.is_running)  # in its place, so that nothing moves
        if not self.job_bar.is_running:
            self.open_button.setVisible(bool(output and output.is_file()))
        if not self.job_bar.is_running:
            self._compare()
            again = " again" if output is not None and output.is_file() else ""
            self.job_bar.run_button.setText(f"Save boxes and crop{again}")

    def run(self, trust: bool = False) -> None:
        """Save the review and crop with what was saved."""
        if self.controller.session is None or self.job_bar.is_running:
            return
        self.message.clear()
        self.save_then(self._crop)

    def _crop(self, boxes: Path) -> None:
        session = self.controller.session
        assert session is not None
        video = session.video.path
        self._was_shown = self.let_go(self.controller.crop_output())
        args: dict[str, Any] = {
            "video": video,
            "bbox_csv": boxes,
            "output": self.controller.crop_output(),
            **self.encoding.chosen(),
        }
        self.run_stage("crop", args, f"Cropping {video.name}")

    def let_go(self, output: Path | None) -> bool:
        """Close layers that show a file which is to be replaced; returns whether there were any.

        Windows replaces no file that is open, and elsewhere they would go on showing the old one.
        """
        shown = [
            layer
            for layer in self.controller.viewer.layers
            if isinstance(layer.data, Video) and output is not None and layer.data.path == output
        ]
        for layer in shown:
            video = layer.data
            self.controller.viewer.layers.remove(layer)
            video.close()
        return bool(shown)

    def session_changed(self) -> None:
        """Forget what was found of the crop of the video before."""
        super().session_changed()
        self._comparing.drop()
        self._compared = self._asked = None

    def release(self) -> None:
        """Stop the job and the search for encoders."""
        super().release()
        self._compare_later.stop()
        self._comparing.drop()
        self.encoding.release()

    def open_crop(self) -> None:
        """Show the cropped video as a layer of its own."""
        output = self.controller.crop_output()
        if output is not None:
            run_in_thread(Video, output, on_done=self._add_layer, on_error=self.show_error)

    def _add_layer(self, video: Video) -> None:
        self.controller.viewer.add_image(video, name=f"crop of {video.path.stem}", rgb=True)

    def _show_again(self) -> None:
        """Show what was there before the crop was made again."""
        was_shown, self._was_shown = self._was_shown, False
        output = self.controller.crop_output()
        if was_shown and output is not None and output.is_file():
            self.open_crop()

    def on_done(self, result: dict[str, Any]) -> None:
        """Offer the cropped video."""
        self.controller.crop_file = Path(result["video"])
        said = str(result["note"])
        self.message.show_info(f"{said[:1].upper()}{said[1:]}." if said else "")
        self._compare()
        self.refresh()
        self.finished.emit()

    def _compare(self) -> None:
        """Have a thread tell whether the crop on disk shows the boxes as they are now."""
        session, output = self.controller.session, self.controller.crop_output()
        if session is None or output is None or not output.is_file() or not session.has_boxes:
            self._compared = None
            return
        asked = (session.revision, stamp_of(output))
        if asked != self._asked:
            self._asked = asked
            size, final = session.frame_size, session.tracks.entry.to_finalize(session.fill)
            revision = session.revision
            self._comparing.request(lambda: (revision, shows(output, final(), size)))

    def _on_compared(self, compared: tuple[Revision, bool]) -> None:
        self._compared = compared
        self.header.set_state(*self.summary())


def shows(crop: Path, boxes: FloatArray, frame_size: tuple[int, int]) -> bool:
    """Whether a cropped video shows these final boxes, by its record; reads a file, for a thread."""
    try:
        cut = read_side_file(record_path(crop)).boxes
    except CropzoomError:
        return False
    return np.array_equal(cut, boxes) or np.array_equal(cut, clamp(boxes, *frame_size))
