"""Follow a box that is right through the frames after or before it, by the pixels, until unsure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_cropzoom.core.boxes import Box, iou
from napari_cropzoom.core.editing.edits import frames_text
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.progress import Progress, Stage
from napari_cropzoom.core.words import counted
from napari_cropzoom.detection.background import Prefetch
from napari_cropzoom.tracking.blob import BlobTracker
from napari_cropzoom.tracking.scene import Gray, StillScene, learn_scene, reduced, walk
from napari_cropzoom.tracking.sight import NO_DOUBT, Doubt, Sight, Vector
from napari_cropzoom.video.video import Video

# Pixels of the reduced frame along the longer side of the box: enough to see, few enough to be fast.
SIDE = 128
READ_AHEAD = 16
FRAMES_A_PROGRESS = 5
# In sides of the box: where to look, and how far is too far for one frame.
REACH, TOO_FAR = 0.25, 0.35
# The same in steps of the usual length.
REACH_STEPS, TOO_FAR_STEPS = 2.5, 4.0
ONWARD = 0.6
USUAL_STEP = 0.1
# Agreement with the detector: how much, and for how many frames on end.
AGREES, AGREES_FOR = 0.8, 5

# Frames on end in which the animal may be seen in part only, or touching something.
WEAK_AT_MOST = 20

NOTHING_THERE = "nothing in its box differs from the still scene"


@dataclass(frozen=True, eq=False)
class Followed:
    """Boxes found by the pixels.

    Attributes
    ----------
    first : int
        Frame of the first box; the frame it starts from is not among them.
    boxes : ndarray of float64, (N, 4)
        ``x, y, w, h`` in pixels of the full frame, frame after frame in the video's order; N may be 0.
    stopped : str
        Why it ended, for a person to read.
    scene : StillScene
        What was learned of the scene; pass it on when following the next box of this video.
    """

    first: int
    boxes: NDArray[np.float64]
    stopped: str
    scene: StillScene

    @property
    def last(self) -> int:
        """Frame of the last box; less than ``first`` if there is none."""
        return self.first + len(self.boxes) - 1


def follow(
    video: Video,
    frame: int,
    box: Box,
    last: int,
    *,
    background: StillScene | None = None,
    until: NDArray[np.float64] | None = None,
    keep_size: bool = False,
) -> Stage[Followed]:
    """Follow the box of ``frame`` to ``last``: forward if it comes later, backward if earlier.

    It ends before ``last`` where it becomes unsure; the doubtful boxes just before that are left out.
    Close the generator to stop it. No Qt; runs in any thread, beside other readers of the video.

    Parameters
    ----------
    video : Video
    frame : int
        A frame whose box is right.
    box : Box
        That box, in pixels of the full frame; it may hang over the frame's edge.
    last : int
        The last frame wanted.
    background : StillScene, optional
        From a result before; learned first if not given.
    until : ndarray, (T, 4), optional
        Boxes of the detector: ends where they agree with what was found, for some frames on end, and
        leaves those frames to the detector.
    keep_size : bool
        Leave the size of the box as it is, as for boxes of a fixed size.

    Yields
    ------
    Progress

    Returns
    -------
    Followed

    Raises
    ------
    CropzoomError
        If the range is empty or not in the video, the box is missing or outside the frame, or the
        camera moves, so that there is no still scene to compare with.
    """
    _check(video, frame, box, last, until)
    scene = background
    if scene is None:
        scene = yield from learn_scene(video, frame)
    result = yield from _Following(video, frame, box, last, scene, until, keep_size).run()
    return result


class _Following:
    """One call of `follow`: what has been found so far, and when to stop."""

    def __init__(
        self,
        video: Video,
        frame: int,
        box: Box,
        last: int,
        scene: StillScene,
        until: NDArray[np.float64] | None,
        keep_size: bool,
    ) -> None:
        self._video, self._scene, self._until, self._keep_size = video, scene, until, keep_size
        self._frame, self._last = frame, last
        self._way = 1 if last > frame else -1
        self._factor = max(1, int(max(box.w, box.h) / SIDE))
        self._size = np.array([box.w, box.h]) / self._factor
        self._side = float(self._size.max())
        self._centre = np.array(box.center) / self._factor
        self._step = np.zeros(2)
        self._usual = 0.0
        self._found: list[Sight] = []
        self._agreed = self._weak = 0

    def run(self) -> Stage[Followed]:
        """Look at one frame after the other."""
        total = abs(self._last - self._frame)
        tracker: BlobTracker | None = None
        stopped = f"reached frame {self._last}"
        frames = walk(self._video, self._frame, self._last, self._factor)
        with Prefetch(frames, READ_AHEAD) as ahead:
            while True:
                progress = Progress(len(self._found), total)
                image = yield from ahead.take(progress)
                if image is None:
                    break
                if isinstance(image, bool):
                    yield progress
                elif tracker is None:
                    tracker = self._start(image)
                    if tracker is None:
                        stopped = f"lost at frame {self._frame}: {NOTHING_THERE}"
                        break
                else:
                    end = self._find(tracker, image)
                    if end:
                        stopped = end
                        break
                    if len(self._found) % FRAMES_A_PROGRESS == 0:
                        yield progress
        return self._result(stopped)

    def _start(self, image: Gray) -> BlobTracker | None:
        """Learn the animal from the first frame; None if its box shows nothing but the still scene."""
        if self._scene.is_still:
            still = reduced(self._scene.gray, self._factor)
            tracker = BlobTracker(still, self._scene.noise, image, self._centre, self._size)
            if tracker.distinct:
                return tracker
            if tracker.still_around:
                return None
        raise CropzoomError(
            f"Frame {self._frame}: most of the picture round the box differs from the still scene, "
            "as when the camera moves. Following needs a still camera; set boxes by hand instead."
        )

    def _find(self, tracker: BlobTracker, image: Gray) -> str:
        """Find the animal in the next frame; return why to stop, empty to go on."""
        number = self._frame + self._way * (len(self._found) + 1)
        expected = self._centre + ONWARD * self._step
        sight = tracker.see(image, expected, max(REACH * self._side, REACH_STEPS * self._usual))
        step = sight.centre - self._centre
        doubt = sight.doubt if sight.doubt.what else self._far(step)
        self._weak = 0 if sight.firm else self._weak + 1
        if self._weak > WEAK_AT_MOST:
            doubt = Doubt("unsure", "the animal has not been seen whole and alone for a while")
        if doubt.what:
            self._forget_the_weak()
            return f"{doubt.word} at frame {number}: {doubt.what}{self._told_of_forgotten(number)}"
        self._found.append(sight)
        self._centre, self._step = sight.centre, step
        self._usual += USUAL_STEP * (float(np.linalg.norm(step)) - self._usual)
        return self._agreement(number)

    def _far(self, step: Vector) -> Doubt:
        length = float(np.linalg.norm(step - ONWARD * self._step))
        if length > max(TOO_FAR * self._side, TOO_FAR_STEPS * self._usual):
            return Doubt("unsure", "it would have moved too far at once")
        return NO_DOUBT

    def _forget_the_weak(self) -> None:
        """Leave out the frames just before a doubt in which the animal was no longer seen whole."""
        while self._found and not self._found[-1].firm:
            self._found.pop()

    def _told_of_forgotten(self, number: int) -> str:
        """Which frames just before a doubt got no box, and why."""
        first, last = self._frame + self._way * (len(self._found) + 1), number - self._way
        if first == number:
            return ""
        where = frames_text(min(first, last), max(first, last))
        return f"; it was not seen whole in {where}, so nothing has changed there"

    def _agreement(self, number: int) -> str:
        if self._until is None:
            return ""
        same = iou(self._box(self._found[-1]), self._until[number])
        self._agreed = self._agreed + 1 if same >= AGREES else 0
        if self._agreed < AGREES_FOR:
            return ""
        del self._found[-AGREES_FOR:]
        since = number - self._way * (AGREES_FOR - 1)
        return f"agrees with the detector again from frame {since}"

    def _box(self, sight: Sight) -> NDArray[np.float64]:
        scale = np.ones(2) if self._keep_size else np.clip(sight.scale, 0.5, 2)
        size = self._size * scale
        return self._factor * np.concatenate([sight.centre - size / 2, size])

    def _result(self, stopped: str) -> Followed:
        boxes = np.array([self._box(sight) for sight in self._found]).reshape(-1, 4)[:: self._way]
        first = self._frame + 1 if self._way > 0 else self._frame - len(boxes)
        return Followed(first, boxes, stopped, self._scene)


def _check(video: Video, frame: int, box: Box, last: int, until: NDArray[np.float64] | None) -> None:
    count = video.n_frames
    if not (0 <= frame < count and 0 <= last < count):
        raise CropzoomError(
            f"{video.path.name}: frames {frame} to {last} are not in this video of "
            f"{counted(count, 'frame')} "
            f"(0 to {count - 1})."
        )
    if frame == last:
        raise CropzoomError(
            f"There is nothing to follow from frame {frame} to itself; choose another end."
        )
    if not np.isfinite(box).all() or min(box.w, box.h) <= 0:
        raise CropzoomError(f"Frame {frame} has no box to follow; draw one first.")
    low, high = np.array(box[:2]), np.array(box[:2]) + box[2:]
    if (high <= 0).any() or (low >= (video.width, video.height)).any():
        raise CropzoomError(
            f"The box of frame {frame} lies outside the frame; put it on the animal first."
        )
    if until is not None and len(until) != count:
        raise CropzoomError(
            f"{video.path.name} has {counted(count, 'frame')}, but the detector's boxes are "
            f"{len(until)}; "
            "load the boxes of this video."
        )
