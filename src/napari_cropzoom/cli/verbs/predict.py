"""``predict``: keypoints of videos or labelled frames."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_cropzoom.cli.arguments import (
    Verbs,
    add_model_and_inputs,
    add_prediction_options,
    add_verb,
    any_path,
    use_one_device,
)
from napari_cropzoom.cli.inputs import (
    boxes_of,
    can_be_read,
    check_boxes,
    check_predictions,
    check_video,
    expand,
    is_video,
    predictions_of,
    print_note,
    read_boxes_for_pose,
    tell_fractions_of_labels,
)
from napari_cropzoom.cli.outcomes import AllFail, Outcomes
from napari_cropzoom.cli.progress import print_line, run_with_bar
from napari_cropzoom.cli.views import predict_recordings
from napari_cropzoom.core.errors import CropzoomError

if TYPE_CHECKING:
    from napari_cropzoom.core.boxes import FloatArray
    from napari_cropzoom.engine.model_folder import ModelFolder

ALL = "--overwrite runs all"


def add_parser(verbs: Verbs, common: argparse.ArgumentParser) -> None:
    """Register the verb."""
    find = add_verb(verbs, common, "predict", predict, "find keypoints in videos or labelled frames")
    add_model_and_inputs(find)
    find.add_argument(
        "--bbox_dir", type=any_path, help="look only into these boxes; keypoints in the full frame"
    )
    add_prediction_options(find)
    find.add_argument(
        "--only_changed",
        action="store_true",
        help="where a video is predicted already, run only the frames whose box has changed since",
    )
    find.add_argument("--skip_viz", action="store_true", help="do not write the labeled video")
    find.add_argument(
        "--progress_file",
        type=any_path,
        metavar="FILE",
        help="keep writing there how far a video is (JSON)",
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


def predict(args: argparse.Namespace) -> None:
    """Predict every input that has no predictions yet."""
    from napari_cropzoom.cli.outputs import check_output
    from napari_cropzoom.engine.model_folder import ModelFolder
    from napari_cropzoom.engine.sparse import check_every

    check_every(args.every, args.bbox_dir is not None, args.only_changed)
    if args.compile and args.runtime != "eager":
        raise CropzoomError(
            f"--compile: is for --runtime eager only, not for {args.runtime}. Leave out one of the two."
        )
    if args.only_changed and args.overwrite:
        raise CropzoomError(
            "--only_changed: is not for --overwrite, which runs all. Leave out one of the two."
        )
    if args.progress_file is not None:
        check_output(args.progress_file, '{"completed":', "a progress file")
    use_one_device(args)
    model = ModelFolder.open(args.model_dir, results=args.output_dir, several_views=True)
    if model.views:
        predict_recordings(model, args)
        return
    files = expand(args.input_path)
    outcomes, predictor = Outcomes(files), Predictor(model, args)
    good = [file for file in files if outcomes.attempt(file, partial(_check, predictor, file, args))]
    for file in good:
        if not _is_skipped(model, file, args):
            outcomes.attempt(file, partial(_predict, predictor, file, args))
    outcomes.finish()


def _is_skipped(model: ModelFolder, file: Path, args: argparse.Namespace) -> bool:
    """Whether an input is predicted already and is not to be predicted again."""
    again = args.overwrite or (args.only_changed and is_video(file))
    return not again and predictions_of(model, file).exists()


def _check(predictor: Predictor, file: Path, args: argparse.Namespace) -> str:
    """Refuse an input that cannot be predicted, before a model is loaded for it."""
    if args.bbox_dir is not None:
        check_boxes(boxes_of(file, args.bbox_dir), file)
    if _is_skipped(predictor.model, file, args):
        check_predictions(predictions_of(predictor.model, file), file)
        why = ""
        if is_video(file) and can_be_read(file):
            boxes = read_boxes_for_pose(file, args.bbox_dir) if args.bbox_dir else None
            some = "--only_changed runs these, --overwrite all" if args.every == 1 else ALL
            why = predictor.why_not_the_same(file, boxes, every=args.every, some=some)
        return tell_skipped(file, why)
    if is_video(file):
        check_video(file)
    return "not done"


def tell_skipped(file: Path, why: str) -> str:
    """Say that an input's predictions are kept and, with a cure, why a run now would give others."""
    print(f"skipping {file} ({why or 'prediction file already exists'})", flush=True)
    return "skipped: predicted already"


def _predict(predictor: Predictor, file: Path, args: argparse.Namespace) -> str:
    if not is_video(file):
        if args.bbox_dir is not None:
            tell_fractions_of_labels(boxes_of(file, args.bbox_dir))
        return f"saved to {predictor.labels(file, args.bbox_dir)}"
    path = predictor.video(
        file,
        read_boxes_for_pose(file, args.bbox_dir) if args.bbox_dir else None,
        labeled_video=not args.skip_viz,
        progress_file=args.progress_file,
        only_changed=args.only_changed,
        every=args.every,
    )
    return f"saved to {path}"


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
        self._overwrite = args.overwrite
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
        from napari_cropzoom.core.smoothing.sizing import told_of_small
        from napari_cropzoom.engine.engine import Engine
        from napari_cropzoom.engine.loop import some_frames
        from napari_cropzoom.engine.predict import predict_video

        if only_changed and self._is_up_to_date(video, boxes):
            return self.model.predictions_csv(video)
        small = "" if boxes is None else told_of_small(boxes, self.model.image_size)
        if small:
            print_note(small)
        if self._engine is None:
            print(f"loading {self.model.path.name}", flush=True)
            examples = partial(some_frames, video, boxes, self._edge)
            try:
                self._engine = Engine.load(self.model, **self._how, examples=examples, notify=print_line)
            except CropzoomError as error:
                raise AllFail(str(error)) from error
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
            overwrite=self._overwrite,
            notify=lambda what: print(f"{video.name}: {what}", flush=True),
        )
        path = run_with_bar(stage, f"predicting {video.name}", progress_file)
        print(f"predictions of {video.name} saved to {path}", flush=True)
        drawn = self.model.labeled_video(video)
        if labeled_video and drawn.is_file():
            print(f"labeled video saved to {drawn}", flush=True)
        return path

    def why_not_the_same(
        self, video: Path, boxes: FloatArray | None, *, every: int = 1, some: str = ALL
    ) -> str:
        """Why a video's predictions are not what a run now gives, and the cure; no network is loaded.

        Parameters
        ----------
        video, boxes, every
            See :meth:`video`.
        some : str
            The cure where the predictions of only some frames are others.

        Returns
        -------
        str
            Empty if they are, or nothing says so.

        Raises
        ------
        CropzoomError
            If the video cannot be read, or there is not one box for every frame.
        """
        from napari_cropzoom.engine.onnx.note import measured_note
        from napari_cropzoom.engine.predict import plan_of
        from napari_cropzoom.files.provenance import made_with_path

        how = {name: value for name, value in self._how.items() if name != "trust"}
        if not made_with_path(self.model.predictions_csv(video)).is_file():
            return ""
        if how["runtime"] == "auto" and not measured_note(
            self.model, how["precision"], how["onnx_precision"]
        ):
            return ""  # which runtime it would be is not known yet
        plan = plan_of(self.model, video, boxes, edge=self._edge, **how)
        if boxes is None and not plan.why_all and plan.n_other_boxes:
            take = "" if some == ALL else ", --bbox_dir takes boxes"
            return f"its predictions were made with boxes: --overwrite runs whole frames{take}"
        why = plan.why_not_the_same(every)
        return why and f"{why}: {ALL if plan.why_all else some}"

    def _is_up_to_date(self, video: Path, boxes: FloatArray | None) -> bool:
        """Whether nothing has changed, which is told; found out before the model is loaded."""
        from napari_cropzoom.engine.predict import is_up_to_date

        how = {name: value for name, value in self._how.items() if name != "trust"}
        return is_up_to_date(
            self.model,
            video,
            boxes,
            edge=self._edge,
            **how,
            notify=lambda what: print(f"{video.name}: {what}", flush=True),
        )

    def labels(self, csv: Path, bbox_dir: Path | None) -> Path:
        """Predict labelled frames into the model's ``image_preds``."""
        from napari_cropzoom.engine.labeled_frames import predict_csv

        stage = predict_csv(
            self.model,
            csv,
            bbox_dir,
            batch_size=self._batch_size,
            edge=self._edge,
            **self._how,
            notify=print_line,
        )
        path = run_with_bar(stage, f"predicting {csv.name}")
        print(f"predictions of {csv.name} saved to {path}", flush=True)
        return path
