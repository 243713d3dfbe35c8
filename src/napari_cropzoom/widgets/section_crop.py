"""Step 6: write the cropped video."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from napari_cropzoom.io.video import Video
from napari_cropzoom.jobs import run_in_thread
from napari_cropzoom.widgets.controls import PathLabel, button, note
from napari_cropzoom.widgets.encoding import EncodingBox
from napari_cropzoom.widgets.job_section import JobSection


class CropSection(JobSection):
    """Where the crop goes, how it is encoded, run."""

    key = "crop"
    title = "Crop"

    def build(self) -> None:
        """Output, encoding, run, open."""
        self.output_label = PathLabel()
        self.output_label.setObjectName("crop_path")
        self.encoding = EncodingBox()
        self.open_button = button("Open the crop as a layer", "crop_open")
        self.form.addWidget(note("The reviewed boxes are saved first; the crop is made with those."))
        self.form.addWidget(self.output_label)
        self.form.addWidget(self.encoding)
        self.add_job_bar("Save boxes and crop", self.run, self.on_done)
        self.form.addWidget(self.open_button)
        self.open_button.clicked.connect(self.open_crop)

    def missing(self) -> str:
        """Cropping needs boxes."""
        session = self.bench.session
        return "" if session and session.has_boxes else "Make, load or draw boxes first."

    def summary(self) -> tuple[str, bool]:
        """Name of the cropped video."""
        if self.job_bar.is_running:
            return "running …", False
        made = self.bench.crop_file
        if made is not None:
            return made.name, True
        output = self.bench.crop_output()
        return ("an earlier crop is there" if output and output.is_file() else ""), False

    def update_body(self) -> None:
        """Show where the crop goes and whether one is there."""
        output = self.bench.crop_output()
        self.output_label.set_path(output)
        self.open_button.setVisible(bool(output and output.is_file()) and not self.job_bar.is_running)
        if not self.job_bar.is_running:
            again = " again" if output is not None and output.is_file() else ""
            self.job_bar.run_button.setText(f"Save boxes and crop{again}")

    def run(self, trust: bool = False) -> None:
        """Save the review and crop with what was saved."""
        if self.bench.session is None or self.job_bar.is_running:
            return
        self.message.clear()
        self.save_then(self._crop)

    def _crop(self, boxes: Path) -> None:
        session = self.bench.session
        assert session is not None
        video = session.video.path
        args: dict[str, Any] = {
            "video": video,
            "bbox_csv": boxes,
            "output": self.bench.crop_output(),
            **self.encoding.chosen(),
        }
        self.follow("crop", args, f"Cropping {video.name}")

    def let_go(self) -> None:
        """Stop without a word."""
        super().let_go()
        self.encoding.let_go()

    def open_crop(self) -> None:
        """Show the cropped video as a layer of its own."""
        output = self.bench.crop_output()
        if output is not None:
            run_in_thread(Video, output, on_done=self._add_layer, on_error=self.show_error)

    def _add_layer(self, video: Video) -> None:
        self.bench.viewer.add_image(video, name=f"crop of {video.path.stem}", rgb=True)

    def on_done(self, result: dict[str, Any]) -> None:
        """Offer the cropped video."""
        self.bench.crop_file = Path(result["video"])
        said = str(result["note"])
        self.message.show_info(f"{said[:1].upper()}{said[1:]}." if said else "")
        self.refresh()
        self.finished.emit()
