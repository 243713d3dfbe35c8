"""What a file of another program leaves open, and how the rest is known: for a window that asks.

The command line puts its questions into errors that name an option. A window shows tracks as they would
be and asks beside them, so the doubts are values here; what is done without an answer is the same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.files.formats.importing import Imported, Understood, settled
from napari_cropzoom.files.formats.outside_rows import ImportOptions, OutsideRows, VideoFacts

SAYS = "as the file says"
PROVED = "as the numbers prove"
YOURS = "as you say"
ASKED = "please choose: the numbers fit both"
_WORDS = (
    (r"Say which: --first_frame 0 or --first_frame 1", "Choose the number of the first frame"),
    (r"give --first_frame (\d)( instead)?", r"choose \1 as the number of the first frame"),
    (r"(give|Leave out) --format centre", r"choose what x, y are"),
    (r"Leave out --crop_size and --crop_ratio; t", "T"),
    (r"--crop_size N \(the side in pixels\)", "a crop size"),
    (r"or --crop_size N in \w+", "or choose a crop size"),
    (r"--crop_ratio R \(the side in (.*?), say 2\)", r"a crop ratio (the side in \1)"),
    (r"in which --crop_ratio counts", "in which a crop ratio counts"),
    (r"which --crop_ratio counts in", "which a crop ratio counts in"),
    (r"--cm_per_pixel C", "cm per pixel"),
    (r"choose some with --track NAME", "import only some of them"),
    (r"choose some: --track NAME", "import only one of them"),
    (r"name it with --format: .*\.", "choose it on the list of formats."),
    (r"name what it is with --format", "choose another format"),
)


@dataclass(frozen=True)
class Answer:
    """What one thing is taken for, and why.

    Attributes
    ----------
    value : int or str
    why : str
        In a few words.
    is_open : bool
        Whether a person has to say.
    """

    value: int | str
    why: str
    is_open: bool = False


@dataclass(frozen=True, eq=False)
class OpenQuestions:
    """A file as it would be taken, and what is left to be said.

    Attributes
    ----------
    imported : Imported or None
        None where it cannot be taken so.
    trouble : str
        Why not, and what to do.
    first_frame, unit, corner : Answer
    """

    imported: Imported | None
    trouble: str
    first_frame: Answer
    unit: Answer
    corner: Answer

    @property
    def is_open(self) -> bool:
        """Whether a person has to say something first."""
        answers = (self.first_frame, self.unit, self.corner)
        return self.imported is None or any(each.is_open for each in answers)


def needs_size(said: OutsideRows) -> bool:
    """Whether there are only points, so that a person has to say how large the boxes are."""
    return said.boxes is None


def takes_ratio(said: OutsideRows) -> bool:
    """Whether a size can be counted in spans of keypoints or lengths of a body."""
    assert said.keypoints is not None
    return said.keypoints.shape[1] > 1 or bool(said.body_length)


def ask(found: Understood, video: VideoFacts, options: ImportOptions) -> OpenQuestions:
    """Take a file as far as it goes; fit for a thread.

    Parameters
    ----------
    found : Understood
    video : VideoFacts
    options : ImportOptions
        What a person has said so far; the size is to be in it where the file has points.
    """
    first = _first_frame(found.said, video.n_frames, options)
    unknown = Answer("corner", ""), Answer("pixels", "")
    filled = replace(options, first_frame=int(first.value)) if first.is_open else options
    try:
        imported = settled(found, video, filled)
    except CropzoomError as error:
        return OpenQuestions(None, in_window(str(error)), first, unknown[1], unknown[0])
    now, said = imported.settled, found.said
    if said.boxes is None:
        unit, corner = Answer("pixels", SAYS), Answer("centre", SAYS)
    else:
        unit = Answer(now.unit, _why(options.unit, said.unit))
        is_open = now.is_corner_assumed and options.corner is None
        why = ASKED if is_open else _why(options.corner, said.corner or said.usual_corner)
        corner = Answer(now.corner, why, is_open)
    return OpenQuestions(imported, "", first, unit, corner)


def _why(chosen: object, said: object) -> str:
    if chosen is not None:
        return YOURS
    return PROVED if said is None else SAYS


def _first_frame(said: OutsideRows, n_frames: int, options: ImportOptions) -> Answer:
    """As :func:`napari_cropzoom.files.formats.to_tracks.settle` takes it."""
    if options.first_frame is not None:
        return Answer(options.first_frame, YOURS)
    frames = said.keep(~said.is_missing).frame
    least, most = (int(frames.min()), int(frames.max())) if len(frames) else (0, 0)
    if said.first_frame is not None:
        return Answer(0 if least == 0 else said.first_frame, SAYS)
    if least <= 0:
        return Answer(0, PROVED)
    if most >= n_frames:
        return Answer(1, PROVED)
    if said.usual_first is not None:
        return Answer(said.usual_first, "as this program counts; the numbers fit both")
    return Answer(0, ASKED, is_open=True)


def in_window(text: str) -> str:
    """A message with the controls of the window in place of the options of the command line."""
    for option, words in _WORDS:
        text = re.sub(option, words, text)
    return text
