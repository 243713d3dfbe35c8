"""What can be made for others to see, for the window: its list, and the stages that its worker runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from napari_cropzoom.core.progress import Stage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from napari_cropzoom.core.boxes import FloatArray
    from napari_cropzoom.core.poses import Poses
    from napari_cropzoom.export.animals import Animal
    from napari_cropzoom.export.keypoints import KeypointLook

Args = dict[str, Any]
Result = dict[str, Any]


class Made(NamedTuple):
    """The file, and in how many frames the boxes are others than those its keypoints were found in."""

    path: Path
    n_others: int


@dataclass(frozen=True)
class Product:
    """One thing to show.

    Attributes
    ----------
    name : str
        In code and tests.
    label, help : str
        In the window.
    suffixes : tuple of str
        Of the file, the usual one first.
    make : callable
        Takes the stage's arguments; a stage that writes the file.
    is_of_frames : bool
        Whether it is of the frames selected, if there are any.
    shows_keypoints : bool
        Whether keypoints are drawn.
    uses_keypoints : bool
        Whether it says anything of keypoints.
    shows_before : bool
        Whether the raw boxes can be drawn too.
    """

    name: str
    label: str
    help: str
    suffixes: tuple[str, ...]
    make: Callable[[Args], Stage[Made]]
    is_of_frames: bool = False
    shows_keypoints: bool = True
    uses_keypoints: bool = True
    shows_before: bool = False


def show(args: Args) -> Stage[Result]:
    """Make the product named ``product``; says where it is, and ``n_others`` of :class:`Made`."""
    made = yield from get_product(str(args.get("product"))).make(args)
    return {"path": str(made.path), "n_others": made.n_others}


def _video(args: Args, layout: str) -> Stage[Made]:
    from napari_cropzoom.export.labeled_video import Shown, write_labeled_video

    video, output, boxes, sources, poses, size = _given(args)
    ranges = args.get("ranges") or [args.get("frames") or (0, -1)]
    (first, last), *more = [(int(begin), int(end)) for begin, end in ranges]
    others = () if layout == "crop" else _others(args, len(boxes), video)
    name = str(args.get("name") or "")
    shown = Shown(
        boxes,
        _before(args, len(boxes)) if layout != "grid" else None,
        poses,
        _look(args),
        layout,
        first,
        last,
        float(args.get("speed") or 1.0),
        float(args.get("scale") or 1.0),
        others=others,
        name=name,
        more=tuple(more),
        theme=str(args.get("theme") or "dark"),
        sources=sources,
    )
    path = yield from write_labeled_video(video, output, shown, overwrite=True)
    shown_poses = [(poses, boxes), *((each.poses, each.boxes) for each in others)]
    return Made(path, _n_others(shown_poses, size))


def sources_of(raw: Path, n_frames: int, video: Path | None, name: str = "") -> NDArray[np.uint8] | None:
    """(T,) where the boxes of an animal come from, by its review; None where it was not reviewed.

    Raises
    ------
    CropzoomError
        If the raw boxes or the review cannot be read, or are of another video.
    """
    from napari_cropzoom.core.boxes import Source
    from napari_cropzoom.review.stored import read_review

    stored = read_review(raw, n_frames, Source.IMPORTED, allow_missing=True, video=video)
    tracks = stored.tracks
    if not stored.exists:
        return None
    return tracks[name].source if name in tracks else tracks.first.track.source


def _n_others(found: Iterable[tuple[Poses | None, FloatArray]], size: tuple[int, int]) -> int:
    """In how many frames, of all animals, keypoints were found in other boxes."""
    from napari_cropzoom.core.inspection.posed import found_in_others

    return sum(found_in_others(poses, boxes, size) for poses, boxes in found if poses is not None)


def _figure(args: Args, kind: str) -> Stage[Made]:
    from napari_cropzoom.export.figure import Figure, write_figure
    from napari_cropzoom.export.plates import Drawn

    video, output, boxes, _, poses, size = _given(args)
    figure = Figure(
        kind, Drawn(boxes, _before(args, len(boxes)), poses, _look(args)), int(args.get("frame") or 0)
    )
    path = yield from write_figure(video, output, figure, overwrite=True)
    return Made(path, 0 if kind == "trajectory" else _n_others([(poses, boxes)], size))


def _report(args: Args) -> Stage[Made]:
    from napari_cropzoom.export.report.facts import ReportSettings
    from napari_cropzoom.export.report.report import write_report

    video, raw = Path(args["video"]), Path(args["raw_csv"])
    asked = ReportSettings(video, raw, _path(args, "preds_before"), _path(args, "preds"))
    return Made(*(yield from write_report(asked, Path(args["output"]), overwrite=True)))


def of_animal(boxes: FloatArray, sources: NDArray[np.uint8] | None) -> FloatArray:
    """Final boxes, (T, 4), NaN where the review says no animal: the file has filled boxes there."""
    import numpy as np

    from napari_cropzoom.core.boxes import Source

    if sources is None:
        return boxes
    found: FloatArray = np.where((sources == Source.ABSENT)[:, None], np.nan, boxes)
    return found


def _given(
    args: Args,
) -> tuple[Path, Path, FloatArray, NDArray[np.uint8] | None, Poses | None, tuple[int, int]]:
    """Video, file to write, boxes and where they come from, keypoints of the pose model or detector.

    The last is width and height of the video in pixels.
    """
    from napari_cropzoom.files.bbox_csv import read_bbox_csv
    from napari_cropzoom.files.belonging import read_predictions_of
    from napari_cropzoom.video.index import VideoIndex

    video, path = Path(args["video"]), _path(args, "preds") or _path(args, "preds_before")
    index = VideoIndex.scan(video)
    n_frames = index.n_frames
    poses = None if path is None else read_predictions_of(path, n_frames, video)[0]
    raw, name = _path(args, "raw_csv"), str(args.get("name") or "")
    sources = None if raw is None else sources_of(raw, n_frames, video, name)
    boxes = of_animal(read_bbox_csv(Path(args["bbox_csv"]), n_frames), sources)
    return video, Path(args["output"]), boxes, sources, poses, (index.width, index.height)


def _before(args: Args, n_frames: int) -> FloatArray | None:
    """The raw boxes of the animal, where they are asked for."""
    from napari_cropzoom.files.bbox_csv import read_bbox_csv

    path = _path(args, "before_csv")
    return None if path is None else read_bbox_csv(path, n_frames, allow_missing=True, faults="skip")


def _others(args: Args, n_frames: int, video: Path) -> tuple[Animal, ...]:
    """The other animals: names, files of their boxes, and of their keypoints where there are some."""
    from napari_cropzoom.export.animals import Animal
    from napari_cropzoom.files.bbox_csv import read_bbox_csv
    from napari_cropzoom.files.belonging import read_predictions_of

    given: dict[str, dict[str, str | None]] = args.get("others") or {}
    raw, found = _path(args, "raw_csv"), []
    for name, files in given.items():
        bbox, preds = _path(files, "bbox_csv"), _path(files, "preds")
        assert bbox is not None
        sources = None if raw is None else sources_of(raw, n_frames, video, name)
        poses = None if preds is None else read_predictions_of(preds, n_frames, video)[0]
        found.append(Animal(of_animal(read_bbox_csv(bbox, n_frames), sources), poses, name))
    return tuple(found)


def _path(args: Args, name: str) -> Path | None:
    return Path(args[name]) if args.get(name) else None


def _look(args: Args) -> KeypointLook:
    from napari_cropzoom.engine.skeleton import skeleton_of
    from napari_cropzoom.export.keypoints import KeypointLook

    model = _path(args, "model")
    skeleton = () if model is None else skeleton_of(model)
    return KeypointLook(
        names=bool(args.get("names")), skeleton=skeleton, trail=int(args.get("trail") or 0)
    )


PRODUCTS: tuple[Product, ...] = (
    Product(
        "video",
        "Labeled video",
        "Every frame with box and keypoints, the crop beside it and the timeline below",
        (".mp4", ".gif"),
        partial(_video, layout="timeline"),
        is_of_frames=True,
        shows_before=True,
    ),
    Product(
        "crop_video",
        "Labeled video of the crop",
        "The inside of the box, enlarged, with keypoints",
        (".mp4", ".gif"),
        partial(_video, layout="crop"),
        is_of_frames=True,
    ),
    Product(
        "grid_video",
        "Labeled video of all animals' crops",
        "The insides of the boxes of all animals, enlarged, as a grid",
        (".mp4", ".gif"),
        partial(_video, layout="grid"),
        is_of_frames=True,
    ),
    Product(
        "frame",
        "Figure of this frame",
        "The frame that is shown, with box and keypoints, for print",
        (".png", ".svg"),
        partial(_figure, kind="frame"),
        shows_before=True,
    ),
    Product(
        "crop",
        "Figure of this frame's crop",
        "The inside of the box of the frame that is shown, with keypoints, for print",
        (".png", ".svg"),
        partial(_figure, kind="crop"),
    ),
    Product(
        "trajectory",
        "Figure of the way over the arena",
        "The way of the box over the arena, coloured by time, and how long it was where",
        (".svg", ".png"),
        partial(_figure, kind="trajectory"),
        shows_keypoints=False,
        uses_keypoints=False,
    ),
    Product(
        "timeline",
        "Figure of the course in time",
        "Speed and size of the box and likelihood of the keypoints over time",
        (".svg", ".png"),
        partial(_figure, kind="timeline"),
        shows_keypoints=False,
        shows_before=True,
    ),
    Product(
        "report",
        "Report of the review",
        "Suspects, corrections, jitter, pictures and a text for a methods section, in one file",
        (".html",),
        _report,
        shows_keypoints=False,
    ),
)
"""In the order of the list."""
STAGES: dict[str, Callable[[Args], Stage[Result]]] = {"show": show}
"""For the worker, which is told of this module when it starts."""


def get_product(name: str) -> Product:
    """Product of a name.

    Raises
    ------
    KeyError
        If there is none.
    """
    return {each.name: each for each in PRODUCTS}[name]
