"""Any program that writes boxes, as a detector."""

from __future__ import annotations

import shlex
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.progress import Progress, Stage

LOOK_EVERY = 0.1  # seconds


@dataclass(frozen=True)
class ProgramSettings:
    """What can be chosen."""

    command: str = field(
        default="",
        metadata={
            "label": "Command",
            "tooltip": "With {video} and {output}, the file of boxes that it writes",
        },
    )


class ProgramDetector:
    """Boxes of another program; see `napari_cropzoom.detection.registry.Detector`."""

    name = "program"
    label = "Another program"
    help = "Runs a program that writes boxes of one animal, in any format that can be imported."
    settings = ProgramSettings

    def detect(self, video: Path, settings: ProgramSettings) -> Stage[np.ndarray]:
        """Run it, and read what it has written; it ends with the stage."""
        from napari_cropzoom.files.formats.importing import read_outside
        from napari_cropzoom.files.formats.outside_rows import VideoFacts
        from napari_cropzoom.video.index import VideoIndex

        if "{video}" not in settings.command or "{output}" not in settings.command:
            raise CropzoomError("The command needs {video} and {output}: python find.py {video} {output}")
        index = VideoIndex.scan(video)
        facts = VideoFacts(video.name, index.width, index.height, index.n_frames, float(index.rate))
        with TemporaryDirectory(prefix="cropzoom-program-") as folder:
            output, log = Path(folder, "boxes.csv"), Path(folder, "log.txt")
            words = [
                word.replace("{video}", str(video)).replace("{output}", str(output))
                for word in shlex.split(settings.command)
            ]
            with log.open("wb") as said:
                yield from _run(words, said)
            if not output.is_file():
                end = log.read_text("utf-8", "replace").strip()[-300:]
                raise CropzoomError(f"{words[0]}: wrote no boxes. It said: {end or 'nothing'}")
            tracks = read_outside(output, facts).settled.tracks
        if len(tracks) != 1:
            raise CropzoomError(
                f"{words[0]}: wrote {len(tracks)} animals. A detector finds one; import the file."
            )
        yield Progress(index.n_frames, index.n_frames, "frames")
        return tracks[0].boxes


def _run(words: list[str], said: object) -> Stage[None]:
    try:
        process = subprocess.Popen(words, stdout=said, stderr=subprocess.STDOUT)  # type: ignore[call-overload]
    except OSError as error:
        raise CropzoomError(
            f"{words[0]}: cannot be run ({error.strerror}). Give the whole path."
        ) from error
    try:
        while process.poll() is None:
            time.sleep(LOOK_EVERY)
            yield Progress(0, 0, f"running {Path(words[0]).name}")
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
    if process.returncode:
        raise CropzoomError(
            f"{words[0]}: ended with an error ({process.returncode}). Run it in a terminal."
        )
