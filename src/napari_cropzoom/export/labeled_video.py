"""A video with boxes and keypoints drawn in, the crop beside it and the timeline below."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from napari_cropzoom.core.boxes import FloatArray, Source
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.progress import Progress, Stage
from napari_cropzoom.core.runs import runs
from napari_cropzoom.core.words import counted
from napari_cropzoom.crop.encode import Timing
from napari_cropzoom.crop.planes import cut
from napari_cropzoom.export.animals import Animal, cell_of, tiled
from napari_cropzoom.export.drawing import (
    BEFORE,
    LEAST_LETTERS,
    THEMES,
    FramePart,
    Picture,
    Strip,
    paint_box,
    write,
)
from napari_cropzoom.export.grounds import Ground, VideoGround
from napari_cropzoom.export.keypoints import KeypointLook, paint_pose, paint_trail
from napari_cropzoom.export.overlay import LabelOverlay, Overlay
from napari_cropzoom.export.palettes import colour_of
from napari_cropzoom.export.plate import encoded
from napari_cropzoom.export.targets import LEAST, check_rows, check_size, check_target
from napari_cropzoom.export.video_file import SUFFIXES, USUAL, Encoding, VideoWriter
from napari_cropzoom.files.atomic import atomic_path

LAYOUTS = ("frame", "crop", "both", "timeline", "grid")
PANEL = 0.6  # side of the crop beside the frame, of the frame's height
STRIP = 0.16  # height of the timeline, of the frame's height
LEAST_STRIP, LEAST_PANEL = 60, 96  # pixels
CROP_SIDE = 512  # pixels of a crop shown alone
STILL = ".png"
SLOWEST, FASTEST = 0.1, 240  # frames a second


@dataclass(frozen=True)
class Shown:
    """What is drawn.

    Attributes
    ----------
    boxes : ndarray, (T, 4), or None
        ``x, y, w, h`` in pixels of the frame; NaN where there is none.
    before : ndarray, (T, 4), or None
        Boxes of before, dashed beside them.
    poses : Poses or None
        Keypoints in the full frame.
    look : KeypointLook
    layout : str
        ``frame``, ``crop`` (enlarged), ``both`` side by side, ``timeline``: both, and below them the
        speed of the box and the likelihood; or ``grid``: the crops of all animals.
    first, last : int
        Frames, both inclusive; ``last`` -1 for the last one.
    speed : float or Fraction
        2 plays twice as fast; no frame is left out, but in a GIF.
    scale : float
        Of the whole picture.
    others : tuple of Animal
        More animals, whose boxes and keypoints are drawn too.
    name : str
        Of the first animal, for the grid.
    more : tuple of (int, int)
        Ranges of frames that come after the first.
    theme : str
        ``dark`` or ``light``: of what is beside the frame.
    sources : ndarray, (T,) uint8, or None
        Where the boxes come from, if they are to be drawn so.
    region : tuple of 4 int, or None
        ``x, y, w, h``: the part of the frame that is shown, in pixels.
    box_trail : bool
        The centre of the box leaves a trail, over as many frames as keypoints do.
    masks : LabelOverlay or None
        Label images laid over the frames.
    skips_empty : bool
        Leave out frames in which there is neither a box nor a keypoint.
    """

    boxes: FloatArray | None = None
    before: FloatArray | None = None
    poses: Poses | None = None
    look: KeypointLook = field(default_factory=KeypointLook)
    layout: str = "frame"
    first: int = 0
    last: int = -1
    speed: float | Fraction = 1.0
    scale: float = 1.0
    others: tuple[Animal, ...] = ()
    name: str = ""
    more: tuple[tuple[int, int], ...] = ()
    theme: str = "dark"
    sources: NDArray[np.uint8] | None = None
    region: tuple[int, int, int, int] | None = None
    box_trail: bool = False
    masks: LabelOverlay | None = None
    skips_empty: bool = False


def write_labeled_video(
    video: Path | Ground,
    output: Path,
    shown: Shown,
    *,
    overwrite: bool = False,
    encoding: Encoding = USUAL,
) -> Stage[Path]:
    """Draw into every frame of a video and write it, frame for frame, at the frames' own times.

    Frames that cannot be decoded are crossed out, as in the window.

    Parameters
    ----------
    video : Path or Ground
        The video, or other frames; these are closed in the end.
    output : Path
        ``.mp4`` (H.264); ``.gif``, in which frames beyond 50 a second are left out; or ``.png``, of one
        frame.
    shown : Shown
    overwrite : bool
        Replace a file of that name.
    encoding : Encoding
        Of an MP4.

    Returns
    -------
    Path
        ``output``.

    Raises
    ------
    CropzoomError
        If the video cannot be read, what is to be drawn does not fit it, or the file cannot be written or
        is there already.
    """
    source_path = video if isinstance(video, Path) else video.path
    check_target(output, (*SUFFIXES, STILL), source_path, overwrite=overwrite)
    with contextlib.closing(VideoGround(video) if isinstance(video, Path) else video) as ground:
        scene = Scene(ground, shown)
        ticks = times_of(ground, scene.ranges)
        if output.suffix.lower() == STILL:
            yield from _write_still(scene, output, len(ticks))
            return output
        timing = Timing.from_pts(ticks, ground.time_base, ground.rate)
        rate, speed = float(timing.rate), float(shown.speed)
        if rate * speed > max(FASTEST, rate):
            raise CropzoomError(
                f"{output}: would play {rate * speed:.0f} frames a second, and players show "
                f"{FASTEST} at most. Give --fps {FASTEST}, or a --speed of {FASTEST / rate:.3g} at most."
            )
        if rate * shown.speed < min(SLOWEST, rate):
            raise CropzoomError(
                f"{output}: would show a frame for {1 / rate / shown.speed:.3g} seconds. Give a --speed "
                f"of {SLOWEST / rate:.3g} at least."
            )
        with (
            atomic_path(output) as part,
            VideoWriter(part, output.suffix.lower(), timing, shown.speed, encoding) as writer,
        ):
            for number, picture in enumerate(scene.pictures()):
                writer.write(number, picture)
                yield Progress(number + 1, len(ticks), "frames")
    return output


def _write_still(scene: Scene, output: Path, count: int) -> Stage[None]:
    """Write the picture of one frame."""
    if count != 1:
        raise CropzoomError(
            f"{output}: holds one frame, and there are {count} to draw. Give one, such as --range 5:5, "
            "or an *.mp4."
        )
    yield Progress(0, 1, "frames")
    content = encoded(next(scene.pictures()))
    with atomic_path(output) as part:
        part.write_bytes(content)


def times_of(index: Ground, ranges: Sequence[tuple[int, int]]) -> NDArray[np.int64]:
    """Times of the frames of ranges, in units of the video, each range right after the one before."""
    usual, pieces, now = max(1, round(1 / (index.rate * index.time_base))), list[NDArray[np.int64]](), 0
    for first, last in ranges:
        pts = np.asarray(index.pts[first : last + 1], np.int64)
        pieces.append(pts - pts[0] + now)
        now = int(pieces[-1][-1]) + usual
    return np.concatenate(pieces)


class Scene:
    """The pictures of one labeled video.

    Raises
    ------
    CropzoomError
        If boxes or keypoints do not fit the video, or a range or a layout is none.
    """

    def __init__(self, ground: Ground, shown: Shown) -> None:
        self._ground, self._shown = ground, shown
        n = ground.n_frames
        asked = ((shown.first, shown.last), *shown.more)
        self.ranges = [(first, last if last >= 0 else n + last) for first, last in asked]
        for first, last in self.ranges:
            if not 0 <= first <= last < n:
                raise CropzoomError(
                    f"{ground.path}: frames {first} to {last} are no range of its "
                    f"{counted(n, 'frame')}. Give a first and a last from 0 to {n - 1}."
                )
        self._theme = THEMES[shown.theme]
        if shown.layout not in LAYOUTS:
            raise CropzoomError(f"Unknown layout {shown.layout!r}; choose one of {', '.join(LAYOUTS)}.")
        if shown.boxes is None and shown.layout != "frame":
            raise CropzoomError(
                f"The layout {shown.layout!r} shows the crop. Give the boxes with --bbox."
            )
        check_rows(ground.path, n, shown.boxes, shown.before, shown.poses)
        for other in shown.others:
            check_rows(ground.path, n, other.boxes, None, other.poses)
        if shown.skips_empty:
            self.ranges = self._not_empty()
        self._letters = math.ceil(LEAST_LETTERS / min(1.0, shown.scale))  # before it is scaled
        self._region = shown.region or (0, 0, ground.width, ground.height)
        x, y, self._width, self._height = self._region
        inside = 0 <= x < x + self._width <= ground.width and 0 <= y < y + self._height <= ground.height
        if not inside:
            raise CropzoomError(
                f"{ground.path}: the region {x},{y},{self._width},{self._height} is not inside "
                f"its frames, which are {ground.width}x{ground.height}. Give another --region "
                "X,Y,WIDTH,HEIGHT."
            )
        self._panel = max(LEAST_PANEL, round(PANEL * self._height))
        self._strip: Strip | None = None

    def _not_empty(self) -> list[tuple[int, int]]:
        """The ranges without frames in which nothing is."""
        shown, is_seen = self._shown, np.zeros(self._ground.n_frames, bool)
        for boxes in (shown.boxes, *(other.boxes for other in shown.others)):
            if boxes is not None:
                is_seen |= ~np.isnan(boxes).any(axis=1)
        for poses in (shown.poses, *(other.poses for other in shown.others)):
            if poses is not None:
                is_there = np.asarray(~np.isnan(poses.xy).any(axis=2))
                is_seen |= is_there.any(axis=1)
        found = [
            (first + begin, first + end)
            for first, last in self.ranges
            for begin, end in runs(is_seen[first : last + 1])
        ]
        if not found:
            raise CropzoomError(
                f"{self._ground.path}: has neither a box nor a keypoint in these frames. Leave out "
                "--skip_empty, or give other frames."
            )
        return found

    def pictures(self) -> Iterator[Picture]:
        """(H, W, 3) uint8 RGB of every frame, with even sides."""
        for first, last in self.ranges:
            if self._shown.layout == "timeline":
                height = max(LEAST_STRIP, round(STRIP * self._height))
                width, how = self._width + self._panel, (self._letters, self._theme)
                which = self._shown.boxes, self._shown.poses, first, last
                self._strip = Strip(width, height, *which, *how)
            for number, image in enumerate(self._images(first, last), first):
                yield _even(self._scaled(self._composed(number, image)))

    def _images(self, first: int, last: int) -> Iterator[Picture]:
        """What boxes and keypoints are drawn on."""
        shown = self._shown
        if shown.masks is None:
            yield from self._ground.pictures(first, last)
            return
        with contextlib.closing(Overlay(shown.masks, self._ground)) as overlay:
            for number, ground in enumerate(self._ground.pictures(first, last), first):
                yield overlay.painted(number, ground)

    def _composed(self, number: int, image: Picture) -> Picture:
        layout = self._shown.layout
        if layout == "crop":
            return self._crop(number, image, CROP_SIDE)
        if layout == "grid":
            return self._grid(number, image)
        frame = self._frame(number, image)
        if layout == "frame":
            return frame
        side = np.empty((self._height, self._panel, 3), np.uint8)
        side[:] = self._theme.ground
        crop = self._crop(number, image, self._panel)[: self._height]
        side[: len(crop)] = crop
        ground = self._ground
        time = float((int(ground.pts[number]) - int(ground.pts[0])) * ground.time_base)
        caption = f"frame {number} · {int(time) // 60}:{time % 60:06.3f}"
        size = max(12, self._panel // 24, min(self._letters, self._panel // 12))
        place, theme = np.array([8.0, len(crop) + max(24.0, size)]), self._theme
        write(side, caption, place, theme.ink, size=size, edge=theme.ground)
        picture = np.hstack([frame, side])
        return picture if self._strip is None else np.vstack([picture, self._strip.at(number)])

    def _frame(self, number: int, image: Picture) -> Picture:
        """The frame; names stand in the crop where that is shown too, where there is room."""
        shown, (x, y, width, height) = self._shown, self._region
        picture = np.array(image[y : y + height, x : x + width])
        view = FramePart(picture, (x, y), least_letters=self._letters)
        look = shown.look if shown.layout == "frame" else replace(shown.look, names=False)
        if shown.before is not None:
            paint_box(view, shown.before[number], BEFORE, dashed=True)
        if shown.boxes is not None:
            source = Source.DETECTED if shown.sources is None else int(shown.sources[number])
            paint_box(view, shown.boxes[number], source=source)
        for place, other in enumerate(shown.others, 1):
            paint_box(view, other.boxes[number], colour_of(place))
        if shown.box_trail:
            for place, boxes in enumerate((shown.boxes, *(other.boxes for other in shown.others))):
                if boxes is not None:
                    passed = boxes[max(0, number - look.trail) : number + 1]
                    way = view.at(passed[:, :2] + passed[:, 2:] / 2)
                    paint_trail(view.picture, way, colour_of(place), look)
        for place, poses in enumerate((shown.poses, *(other.poses for other in shown.others))):
            if poses is not None:
                paint_pose(view, poses, number, look, place)
        return view.picture

    def _grid(self, number: int, image: Picture) -> Picture:
        """The crops of all animals."""
        shown = self._shown
        assert shown.boxes is not None
        animals = (Animal(shown.boxes, shown.poses, shown.name), *shown.others)
        side = cell_of(len(animals))
        crops = [self._crop(number, image, side, *each) for each in enumerate(animals)]
        return tiled(crops, [animal.name for animal in animals], self._letters, self._theme.ground)

    def _crop(
        self, number: int, image: Picture, side: int, place: int = 0, animal: Animal | None = None
    ) -> Picture:
        """The box of a frame, enlarged into a square; black beyond the frame."""
        boxes, poses = self._shown.boxes, self._shown.poses
        if animal is not None:
            boxes, poses = animal.boxes, animal.poses
        picture = np.empty((side, side, 3), np.uint8)
        picture[:] = self._theme.ground
        assert boxes is not None
        box = boxes[number]
        if np.isnan(box).any():
            letters = max(self._letters, side // 20)
            middle, theme = np.array([side * 0.4, side / 2]), self._theme
            write(picture, "no box", middle, theme.quiet, size=letters, edge=theme.ground)
            return picture
        x, y, w, h = (round(float(value)) for value in box)
        part = cut(image, (x, y, max(w, 1), max(h, 1)), 0)
        scale = side / max(w, h, 1)
        size = max(1, round(w * scale)), max(1, round(h * scale))
        picture[: size[1], : size[0]] = cv2.resize(
            part, size, interpolation=cv2.INTER_LINEAR if scale > 1 else cv2.INTER_AREA
        )
        if poses is not None:
            view = FramePart(picture, (x, y), scale, self._letters)
            paint_pose(view, poses, number, self._shown.look, place)
        return picture

    def _scaled(self, picture: Picture) -> Picture:
        scale = self._shown.scale
        width, height = round(picture.shape[1] * scale), round(picture.shape[0] * scale)
        check_size(width, height, LEAST if scale < 1 else 1)
        if scale == 1:
            return picture
        how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        return np.asarray(cv2.resize(picture, (width, height), interpolation=how), np.uint8)


def _even(picture: Picture) -> Picture:
    """The picture with its last row or column once more where H.264 could not hold it."""
    height, width = picture.shape[:2]
    if height % 2 == 0 and width % 2 == 0:
        return picture
    return np.pad(picture, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
