"""Keypoints of a video, and what `litpose predict` writes beside them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.io.made_with import MadeWith, video_identity
from napari_cropzoom.io.video import Video
from napari_cropzoom.pipeline.background import awaited
from napari_cropzoom.pipeline.earlier import Kept, look_back, read_kept, seen_boxes
from napari_cropzoom.pipeline.fastpath import predict_frames
from napari_cropzoom.pipeline.fingerprint import fingerprint
from napari_cropzoom.pipeline.loading import load_model
from napari_cropzoom.pipeline.models import ModelFolder
from napari_cropzoom.pipeline.network import CONTEXT, Network
from napari_cropzoom.pipeline.outputs import write_outputs
from napari_cropzoom.pipeline.pixels import Edge
from napari_cropzoom.pipeline.progress import Progress, Stage

PIXELS_ON_CPU = 2**18
SMALLEST_ON_CPU, LARGEST_ON_CPU = 4, 16
"""On a CPU a batch is quickest while its layers fit the caches: 16 images of 128x128, 4 of 256x256."""


class Engine:
    """A loaded model, to be kept warm between videos.

    Parameters
    ----------
    folder : ModelFolder
    network : Network
    config : DictConfig
        The model's configuration with overrides applied.
    made_with : mapping
        Fingerprint of what was loaded.
    """

    def __init__(
        self, folder: ModelFolder, network: Network, config: Any, made_with: Mapping[str, str]
    ) -> None:
        self.folder = folder
        self.network = network
        self.config = config
        self.made_with = made_with
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="network")

    @classmethod
    def load(
        cls,
        folder: ModelFolder,
        precision: str = "fp32",
        runtime: str = "eager",
        overrides: Sequence[str] = (),
        trust: bool = False,
        onnx_precision: str | None = None,
    ) -> Engine:
        """Load a model; takes seconds, most of them for importing Lightning Pose.

        Parameters
        ----------
        folder : ModelFolder
        precision : {"fp32", "fp16", "bf16"}
            Of the network's arithmetic; ignored by the runtimes other than ``eager``.
        runtime : {"eager", "onnx", "tensorrt"}
            The last two run what `litpose export` has written into the folder.
        overrides : sequence of str
            ``key=value`` in Hydra's grammar, applied to ``config.yaml``.
        trust : bool
            Whether code that the checkpoint brings may run.
        onnx_precision : {"fp32", "fp16"} or None
            Which of several exports the runtimes other than ``eager`` take.

        Raises
        ------
        CropzoomError
            If Lightning Pose is not installed, an argument is wrong, the checkpoint is missing, damaged
            or not to be trusted, or the runtime's export is not there.
        """
        how = (precision, runtime, overrides, onnx_precision)
        made_with: Mapping[str, str] = {}
        with contextlib.suppress(OSError):  # loading says it better
            made_with = fingerprint(ModelFolder.open(folder.path), *how)
        model = load_model(folder, precision, runtime, overrides, trust, onnx_precision)
        if fingerprint(ModelFolder.open(folder.path), *how) != made_with:
            raise CropzoomError(f"{folder.path}: was written to while it was loaded. Start again.")
        network = Network(model.model, precision if runtime == "eager" else "fp32")
        if runtime == "eager":
            network.fold(image_size(model.cfg))
        return cls(folder, network, model.cfg, made_with)

    @property
    def road(self) -> str:
        """How predictions are made, for a person."""
        return self.folder.road

    @property
    def device(self) -> str:
        """What the network runs on: ``cpu`` or ``cuda``."""
        return str(self.network.device.type)

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of the network's image in pixels."""
        return image_size(self.config)

    @property
    def keypoint_names(self) -> tuple[str, ...]:
        return tuple(str(name) for name in self.config.data.keypoint_names)

    def predict(
        self,
        video: Video | Path,
        boxes: NDArray[np.float64] | None = None,
        *,
        batch_size: int | None = None,
        edge: Edge = "pad",
        kept: Kept | None = None,
    ) -> Stage[Poses]:
        """Find the keypoints in every frame of a video.

        Parameters
        ----------
        video : Video or Path
        boxes : ndarray, (T, 4) or None
            ``x, y, w, h`` in pixels of the frame, NaN where there is none; None looks at whole frames.
        batch_size : int or None
            Frames given to the network at a time; None for what suits the device.
        edge : {"pad", "clamp"}
            Black beyond the frame, or boxes cut to the frame as `litpose predict --bbox_dir` does.
        kept : Kept or None
            Earlier results of this engine on this video; only what the boxes have changed is run.

        Returns
        -------
        Poses
            One row a frame; NaN with likelihood 0 where there is no box.

        Raises
        ------
        CropzoomError
            If the boxes do not fit the video, the video is damaged, or memory does not suffice.
        """
        opened = video if isinstance(video, Video) else Video(video)
        try:
            xy, likelihood = yield from predict_frames(
                self.network,
                self._pool,
                opened,
                seen_boxes(boxes, opened.index, edge),
                self.image_size,
                batch_size=self._batch_size(batch_size),
                kept=kept,
            )
        except RuntimeError as error:
            if "out of memory" not in str(error):
                raise
            raise CropzoomError(
                f"{opened.path}: the graphics card ran out of memory. Set a smaller batch size."
            ) from error
        finally:
            if opened is not video:
                opened.close()
        return Poses(self.keypoint_names, xy, likelihood, f"{self.config.model.model_type}_tracker")

    def _batch_size(self, asked: int | None) -> int:
        if asked is not None:
            if asked < 1:
                raise CropzoomError(f"The batch size is {asked}; it must be 1 or more frames.")
            return asked
        if self.network.device.type == "cpu":
            height, width = self.image_size
            return min(max(PIXELS_ON_CPU // (height * width), SMALLEST_ON_CPU), LARGEST_ON_CPU)
        kind = "context" if self.network.context else "base"
        configured = int(self.config.dali[kind].predict.sequence_length)
        return max(configured - (CONTEXT if self.network.context else 0), 1)


def image_size(config: Any) -> tuple[int, int]:
    """Height and width of the network's image in a model's configuration."""
    size = config.data.image_resize_dims
    return int(size.height), int(size.width)


def predict_video(
    model: ModelFolder,
    video: Path,
    boxes: NDArray[np.float64] | None = None,
    *,
    output: Path | None = None,
    batch_size: int | None = None,
    precision: str = "fp32",
    runtime: str = "eager",
    overrides: Sequence[str] = (),
    edge: Edge = "pad",
    metrics: bool = True,
    labeled_video: bool = False,
    trust: bool = False,
    engine: Engine | None = None,
    only_changed: bool = False,
    tell: Callable[[str], object] | None = None,
) -> Stage[Path]:
    """Predict a video and write its files; either all of them appear or none.

    A record of what they were made with goes beside the predictions, see
    :mod:`napari_cropzoom.io.made_with`.

    Parameters
    ----------
    model : ModelFolder
    video : Path
    boxes, batch_size, edge
        See :meth:`Engine.predict`.
    output : Path or None
        The predictions; None for where `litpose predict` puts them.
    precision, runtime, overrides, trust
        See :meth:`Engine.load`; not looked at if ``engine`` is given.
    metrics : bool
        Also write Lightning Pose's metrics beside the predictions, ``<stem>_temporal_norm.csv`` and
        so on.
    labeled_video : bool
        Also write Lightning Pose's video with the keypoints drawn, into ``labeled_videos``.
    engine : Engine or None
        A warm one for this model.
    only_changed : bool
        Run only the frames whose result the boxes have changed since the predictions that are there
        were made, and keep the others to the last digit; all frames where those cannot be built on.
        Nothing is written where nothing has changed.
    tell : callable or None
        With ``only_changed``, called with what will run, in a few words for a person.

    Returns
    -------
    Path
        The predictions.

    Raises
    ------
    CropzoomError
    """
    video = Path(video)
    target = output or model.predictions_csv(video)
    with Video(video) as opened:
        total = opened.n_frames
        if engine is None:
            with ThreadPoolExecutor(1) as loader:
                loading = loader.submit(Engine.load, model, precision, runtime, overrides, trust)
                engine = yield from awaited(loading, Progress(0, total, f"loading {model.path.name}"))
        kept = None
        if only_changed:
            outlook = look_back(
                target, engine.made_with, opened.index, boxes, edge=edge, device=engine.device
            )
            if tell is not None:
                tell(outlook.say())
            if outlook.up_to_date:
                return target
            kept = read_kept(target, outlook)
        poses = yield from engine.predict(opened, boxes, batch_size=batch_size, edge=edge, kept=kept)
        seen = None if boxes is None else seen_boxes(boxes, opened.index, edge)
        record = MadeWith(dict(engine.made_with), engine.device, video_identity(opened.index), seen)
    drawn = model.labeled_video(video) if labeled_video else None
    yield from write_outputs(
        poses, target, video, engine.config, metrics=metrics, labeled_video=drawn, record=record
    )
    return target
