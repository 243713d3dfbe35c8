"""``predict``, ``train``: the verbs that need Lightning Pose and torch."""

from __future__ import annotations

import argparse
import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_cropzoom.cli.arguments import Verbs, add_model_and_inputs, add_prediction_options, add_verb
from napari_cropzoom.cli.inputs import expand, is_video
from napari_cropzoom.cli.progress import run_with_bar
from napari_cropzoom.core.errors import CropzoomError

if TYPE_CHECKING:
    from napari_cropzoom.core.boxes import FloatArray
    from napari_cropzoom.pipeline.models import ModelFolder


def add_verbs(verbs: Verbs, common: argparse.ArgumentParser) -> None:
    """Register the verbs of this module."""
    find = add_verb(verbs, common, "predict", predict, "find keypoints in videos or labelled frames")
    add_model_and_inputs(find)
    find.add_argument(
        "--bbox_dir", type=Path, help="look only into these boxes; keypoints in the full frame"
    )
    add_prediction_options(find)
    find.add_argument(
        "--only_changed",
        action="store_true",
        help="where a video is predicted already, run only the frames whose box has changed since",
    )
    find.add_argument("--skip_viz", action="store_true", help="do not write the labeled video")
    find.add_argument(
        "--progress_file", type=Path, metavar="FILE", help="keep writing there how far a video is (JSON)"
    )
    find.add_argument(
        "--reader",
        choices=("dali", "opencv", "pynvvc"),
        help="accepted and without effect: there is one reader, exact to the frame",
    )
    find.add_argument(
        "--compile",
        action="store_true",
        help="accepted and without effect: it would change the speed, not the result",
    )

    learn = add_verb(verbs, common, "train", train, "train a model")
    learn.add_argument("config_file", type=Path, help="a Lightning Pose config, *.yaml")
    learn.add_argument("--output_dir", type=Path, help="model directory (default: outputs/DATE/TIME)")
    learn.add_argument("--detector_model", type=Path, help="train on the crops of this detector")
    learn.add_argument("--overrides", nargs="*", metavar="KEY=VALUE", help="change values of the config")


def predict(args: argparse.Namespace) -> None:
    """Predict every input that has no predictions yet."""
    from napari_cropzoom.pipeline.coarse import check_every
    from napari_cropzoom.pipeline.models import ModelFolder

    check_every(args.every, args.bbox_dir is not None, args.only_changed)
    if args.compile and args.runtime != "eager":
        raise CropzoomError(
            f"--compile: is for --runtime eager only, not for {args.runtime}. Leave out one of the two."
        )
    if args.only_changed and args.overwrite:
        raise CropzoomError(
            "--only_changed: is not for --overwrite, which runs all. Leave out one of the two."
        )
    model = ModelFolder.open(args.model_dir)
    files = expand(args.input_path)
    if args.bbox_dir is not None:
        for file in files:
            check_boxes(boxes_of(file, args.bbox_dir))
    again = [args.overwrite or (args.only_changed and is_video(file)) for file in files]
    todo = [
        file for file, run in zip(files, again, strict=True)
        if run or not _skip(file, predictions_of(model, file))
    ]  # fmt: skip
    for file in todo:
        if is_video(file):
            check_video(file)
    predictor = Predictor(model, args)
    for file in todo:
        if is_video(file):
            boxes = read_boxes(boxes_of(file, args.bbox_dir), file) if args.bbox_dir else None
            predictor.video(
                file,
                boxes,
                labeled_video=not args.skip_viz,
                progress_file=args.progress_file,
                only_changed=args.only_changed,
                every=args.every,
            )
        else:
            predictor.labels(file, args.bbox_dir)


class Predictor:
    """One model, loaded when the first video needs it and kept for the rest.

    Parameters
    ----------
    model : ModelFolder
    args : Namespace
        With the options of :func:`add_prediction_options`.
    """

    def __init__(self, model: ModelFolder, args: argparse.Namespace) -> None:
        self.model = model
        self._batch_size, self._edge = args.batch_size, args.edge
        self._how = {
            "precision": args.precision,
            "runtime": args.runtime,
            "overrides": tuple(args.overrides or ()),
            "trust": args.trust_checkpoint,
            "onnx_precision": args.onnx_precision,
        }
        self._engine: Any = None

    def video(
        self,
        video: Path,
        boxes: FloatArray | None,
        *,
        labeled_video: bool,
        progress_file: Path | None = None,
        only_changed: bool = False,
        every: int = 1,
    ) -> Path:
        """Predict a video into the model's ``video_preds``, or what has changed or every n-th frame."""
        from napari_cropzoom.pipeline.fastpath import some_frames
        from napari_cropzoom.pipeline.predict import Engine, predict_video

        if only_changed and self._is_up_to_date(video, boxes):
            return self.model.predictions_csv(video)
        if self._engine is None:
            print(f"loading {self.model.path.name}", flush=True)
            look = partial(some_frames, video, boxes, self._edge)
            self._engine = Engine.load(self.model, **self._how, look=look, tell=say)
        stage = predict_video(
            self.model,
            video,
            boxes,
            batch_size=self._batch_size,
            edge=self._edge,
            labeled_video=labeled_video,
            engine=self._engine,
            only_changed=only_changed,
            every=every,
            tell=lambda what: print(f"{video.name}: {what}", flush=True),
        )
        path = run_with_bar(stage, f"predicting {video.name}", progress_file)
        print(f"predictions of {video.name} saved to {path}", flush=True)
        return path

    def _is_up_to_date(self, video: Path, boxes: FloatArray | None) -> bool:
        """Whether nothing has changed, which is told; found out before the model is loaded."""
        from napari_cropzoom.io.video_index import VideoIndex
        from napari_cropzoom.pipeline.earlier import look_back
        from napari_cropzoom.pipeline.exports import remembered_runtime
        from napari_cropzoom.pipeline.fingerprint import fingerprint

        how = {name: value for name, value in self._how.items() if name != "trust"}
        if how["runtime"] == "auto":
            known = remembered_runtime(self.model, how["precision"], how["onnx_precision"])
            how["runtime"] = known or "auto"  # of which there are no predictions
        predictions, made_with = self.model.predictions_csv(video), fingerprint(self.model, **how)
        outlook = look_back(predictions, made_with, VideoIndex.scan(video), boxes, self._edge)
        if outlook.up_to_date:
            print(f"{video.name}: {outlook.say()}", flush=True)
        return outlook.up_to_date

    def labels(self, csv: Path, bbox_dir: Path | None) -> None:
        """Predict labelled frames into the model's ``image_preds``."""
        from napari_cropzoom.pipeline.labeled_frames import predict_csv

        stage = predict_csv(self.model, csv, bbox_dir, batch_size=self._batch_size, **self._how, tell=say)
        path = run_with_bar(stage, f"predicting {csv.name}")
        print(f"predictions of {csv.name} saved to {path}", flush=True)


def train(args: argparse.Namespace) -> None:
    """Train a model with Lightning Pose."""
    from napari_cropzoom.pipeline.models import ModelFolder
    from napari_cropzoom.pipeline.train import train as train_model

    if args.config_file.suffix != ".yaml" or not args.config_file.is_file():
        raise CropzoomError(f"{args.config_file}: is not a config file. Give an existing *.yaml file.")
    detector = None
    if args.detector_model is not None:
        detector = ModelFolder.open(args.detector_model, need_checkpoint=False)
    now = datetime.datetime.now()
    output = args.output_dir or Path("outputs") / f"{now:%Y-%m-%d}" / f"{now:%H-%M-%S}"
    print(f"output directory: {output.absolute()}", flush=True)
    stage = train_model(args.config_file, output, detector, tuple(args.overrides or ()))
    print(f"model saved to {run_with_bar(stage, 'training')}", flush=True)


def say(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)


def boxes_of(file: Path, bbox_dir: Path) -> Path:
    """Boxes of an input in a directory of boxes."""
    return bbox_dir / (f"{file.stem}_bbox.csv" if is_video(file) else "bbox.csv")


def predictions_of(model: ModelFolder, file: Path) -> Path:
    """Where the predictions of an input lie."""
    if is_video(file):
        return model.predictions_csv(file)
    return model.image_preds_dir / file.name / "predictions.csv"


def check_video(path: Path) -> None:
    """Refuse what is no video, before a model is loaded for it.

    Raises
    ------
    CropzoomError
        If the file is missing or FFmpeg cannot read it.
    """
    from napari_cropzoom.io.video_file import opened

    with opened(path):
        pass


def check_boxes(path: Path) -> None:
    """Refuse a missing file of boxes.

    Raises
    ------
    CropzoomError
        If the file is not there.
    """
    if not path.is_file():
        raise CropzoomError(
            f"{path}: there are no boxes. Run `cropzoom create_bbox`, or give --bbox_dir."
        )


def read_boxes(path: Path, video: Path) -> FloatArray:
    """Boxes of a video, checked against its number of frames."""
    from napari_cropzoom.io.bbox_csv import read_bbox_csv
    from napari_cropzoom.io.video import Video

    with Video(video) as source:
        return read_bbox_csv(path, source.n_frames)


def _skip(file: Path, predictions: Path) -> bool:
    if predictions.exists():
        print(f"skipping {file} (prediction file already exists)", flush=True)
        return True
    return False
