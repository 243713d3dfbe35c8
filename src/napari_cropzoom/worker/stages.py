"""The stages a worker can run, by name: JSON in, JSON out.

A stage function takes the request's ``args`` and returns a `Stage` whose result is a dict. Everything
heavy is imported when the stage runs, so that the worker starts in a moment and without torch.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.progress import Progress, Stage
from napari_cropzoom.detection.background import awaited

if TYPE_CHECKING:
    from napari_cropzoom.engine.engine import Engine
    from napari_cropzoom.engine.model_folder import ModelFolder
    from napari_cropzoom.engine.network.samples import Examples

Args = dict[str, Any]
Result = dict[str, Any]
StageFunction = Callable[[Args], Stage[Result]]

ENGINE_OPTIONS = ("precision", "runtime", "overrides")
PREDICT_OPTIONS = (
    *ENGINE_OPTIONS, "batch_size", "edge", "metrics", "labeled_video", "trust", "only_changed", "every",
    "overwrite",
)  # fmt: skip
CROP_OPTIONS = ("encoder", "preset", "crf", "tune")


class EngineCache:
    """The models loaded last, so that a detector and a pose model both stay warm."""

    def __init__(self, size: int = 2) -> None:
        self._size = size
        self._engines: OrderedDict[str, Engine] = OrderedDict()

    def get(self, model: ModelFolder, options: Args, examples: Examples | None = None) -> Stage[Engine]:
        """Return the engine of a model, loading it in a thread if it or its checkpoint is new.

        Parameters
        ----------
        model : ModelFolder
        options : dict
            Any of ``precision``, ``runtime``, ``overrides``, which make another engine, and ``trust``,
            which only counts while loading.
        examples : callable or None
            See :meth:`napari_cropzoom.engine.engine.Engine.load`.
        """
        from napari_cropzoom.engine.engine import Engine

        shaping = {name: options[name] for name in ENGINE_OPTIONS if name in options}
        key = json.dumps([identity(model), shaping], sort_keys=True)
        if key not in self._engines:
            while len(self._engines) >= self._size:
                self._engines.popitem(last=False)
            trust = {"trust": options["trust"]} if "trust" in options else {}
            with ThreadPoolExecutor(1) as pool:
                loading = pool.submit(partial(Engine.load, model, **shaping, **trust, examples=examples))
                text = f"loading {model.path.name}"
                self._engines[key] = yield from awaited(loading, Progress(0, 0, text))
        self._engines.move_to_end(key)
        return self._engines[key]


def identity(model: ModelFolder) -> list[object]:
    """Return what changes when the model on disk does: path, checkpoint, its time and size."""
    if model.checkpoint is None:
        return [str(model.path)]
    stat = model.checkpoint.stat()
    return [str(model.path), str(model.checkpoint), stat.st_mtime_ns, stat.st_size]


def builtin_stages(engines: EngineCache) -> dict[str, StageFunction]:
    """Return name -> stage function; ``predict`` keeps its models in ``engines``."""
    return {
        "predict": partial(predict, engines),
        "crop": crop,
        "detect": detect,
        "remap": remap,
        "pixels": pixels,
        "understand": understand,
    }


def predict(engines: EngineCache, args: Args) -> Stage[Result]:
    """Keypoints of a video, of its crops when ``bbox_csv`` is given.

    ``how`` says how they were made, for a person, and ``note`` what ran.
    """
    from napari_cropzoom.engine.loop import some_frames
    from napari_cropzoom.engine.model_folder import ModelFolder
    from napari_cropzoom.engine.predict import predict_video
    from napari_cropzoom.files.belonging import doubt_of
    from napari_cropzoom.files.review_paths import without_absent

    model = ModelFolder.open(required_path(args, "model"), results=optional_path(args, "results"))
    video = required_path(args, "video")
    given = args.get("bbox_csv")
    boxes = None
    if given:
        boxes = without_absent(read_boxes(given, video, allow_missing=True), Path(given), video)
    options = chosen(args, PREDICT_OPTIONS)
    examples = partial(some_frames, video, boxes, options.get("edge", "pad"))
    engine = yield from engines.get(model, options, examples)
    output, notes = optional_path(args, "output"), list[str]()
    if given and (told := doubt_of(Path(given))):
        notes.append(f"{told} ")
    predictions = yield from predict_video(
        model, video, boxes, output=output, engine=engine, notify=notes.append, **options
    )
    return {"predictions": str(predictions), "how": engine.description, "note": "".join(notes)}


def crop(args: Args) -> Stage[Result]:
    """Write the cropped video and its side file; ``note`` says how much of it had to be encoded."""
    from napari_cropzoom.crop.crop import crop_video
    from napari_cropzoom.crop.encoders import EncoderSettings
    from napari_cropzoom.crop.record import check_crop_of
    from napari_cropzoom.files.belonging import doubt_of

    video = required_path(args, "video")
    boxes = read_boxes(required_path(args, "bbox_csv"), video)
    output = required_path(args, "output")
    told = doubt_of(Path(args["bbox_csv"])), check_crop_of(output, video)
    encoding = EncoderSettings(**chosen(args, CROP_OPTIONS))
    made = yield from crop_video(video, boxes, output, encoding=encoding)
    return {
        "video": str(made.video),
        "side_file": str(made.video.with_suffix(".json")),
        "note": "; ".join(filter(None, (made.note, *told))),
    }


def detect(args: Args) -> Stage[Result]:
    """Boxes of a video from a detector that needs no model; NaN rows where nothing was found."""
    from napari_cropzoom.detection.registry import get_detector, settings_of
    from napari_cropzoom.files.atomic import check_writable
    from napari_cropzoom.files.bbox_csv import write_bbox_csv
    from napari_cropzoom.files.belonging import check_made_of, sign

    detector = get_detector(str(args.get("method", "motion")))
    video, output = required_path(args, "video"), required_path(args, "output")
    check_made_of(output, video)
    check_writable(output)
    boxes = yield from detector.detect(video, settings_of(detector, args.get("settings") or {}))
    write_bbox_csv(output, boxes, check_first=False)
    sign(output, video)
    return {"bbox_csv": str(output)}


def pixels(args: Args) -> Stage[Result]:
    """What stands out from the still background in every frame, as evidence for the review.

    What was found so far is written after each of ``parts``, for a queue that grows meanwhile.
    """
    from napari_cropzoom.detection.evidence import pixel_evidence, write_motion

    video, output = required_path(args, "video"), required_path(args, "output")
    write = partial(write_motion, output)
    write((yield from pixel_evidence(video, take=write, parts=int(args.get("parts", 1)))))
    return {"motion": str(output)}


def understand(args: Args) -> Stage[Result]:
    """What a file of another program says, packed into ``output``; see `files.formats.importing`."""
    from napari_cropzoom.files.formats.importing import understand
    from napari_cropzoom.files.formats.outside_rows import ImportOptions, VideoFacts
    from napari_cropzoom.files.formats.packed import pack

    path, output = required_path(args, "path"), required_path(args, "output")
    video, options = VideoFacts(**args["video"]), ImportOptions(cm_per_pixel=args.get("cm_per_pixel"))
    yield Progress(0, 0, f"reading {path.name}")
    pack(output, understand(path, video, options, args.get("format")))
    return {"output": str(output)}


def remap(args: Args) -> Stage[Result]:
    """Put keypoints found on a crop back into the full frame; ``note`` says how, where it matters."""
    from napari_cropzoom.crop.remap import remap_predictions

    yield Progress(0, 1, "files")
    written = remap_predictions(
        required_path(args, "preds"),
        required_path(args, "bbox_csv"),
        optional_path(args, "output"),
    )
    yield Progress(1, 1, "files")
    return {"predictions": str(written.path), "note": written.note}


def read_boxes(path: str | Path, video: Path, *, allow_missing: bool = False) -> Any:
    """Return the (T, 4) boxes of a file, checked against the video's frames and their size."""
    from napari_cropzoom.files.belonging import check_made_of
    from napari_cropzoom.files.formats import registry
    from napari_cropzoom.video.video import Video

    check_made_of(Path(path), video)
    with Video(video) as source:
        size = (source.width, source.height)
        return registry.read_boxes(
            Path(path), source.n_frames, allow_missing=allow_missing, frame_size=size
        )


def required_path(args: Args, name: str) -> Path:
    """Return a path argument.

    Raises
    ------
    CropzoomError
        If it is missing.
    """
    if not args.get(name):
        raise CropzoomError(f"The stage needs {name!r}. Choose a file and start again.")
    return Path(args[name])


def optional_path(args: Args, name: str) -> Path | None:
    """Return a path argument, None when it is missing."""
    return Path(args[name]) if args.get(name) else None


def chosen(args: Args, names: tuple[str, ...]) -> Args:
    """Return the options that were given; what is missing or None keeps the stage's own default."""
    return {name: args[name] for name in names if args.get(name) is not None}
