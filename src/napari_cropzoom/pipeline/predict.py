"""Keypoints of a video, and what `litpose predict` writes beside them."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_cropzoom.core.boxes import BoolArray
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.io.made_with import MadeWith, video_identity
from napari_cropzoom.io.video import Video
from napari_cropzoom.pipeline.background import awaited
from napari_cropzoom.pipeline.coarse import check_every, frames_run, predict_coarse_to_fine
from napari_cropzoom.pipeline.devices import CPU
from napari_cropzoom.pipeline.earlier import Kept, look_back, read_kept, seen_boxes
from napari_cropzoom.pipeline.exported import Look, run_export
from napari_cropzoom.pipeline.exports import remembered_runtime, say_remembered
from napari_cropzoom.pipeline.faster import choose_runtime
from napari_cropzoom.pipeline.fastpath import predict_frames, some_frames
from napari_cropzoom.pipeline.fingerprint import fingerprint
from napari_cropzoom.pipeline.lanes import Lanes, processors, shared
from napari_cropzoom.pipeline.lean import LeanNetwork, find_lean
from napari_cropzoom.pipeline.loading import check_choices, load_model
from napari_cropzoom.pipeline.models import ModelFolder
from napari_cropzoom.pipeline.network import AnyNetwork, usable_network
from napari_cropzoom.pipeline.outputs import write_outputs
from napari_cropzoom.pipeline.pixels import Edge
from napari_cropzoom.pipeline.progress import Progress, Stage, Tell, quiet
from napari_cropzoom.pipeline.sizes import image_size, usual_batch_size


class Engine:
    """A loaded model, to be kept warm between videos.

    Parameters
    ----------
    folder : ModelFolder
    network : AnyNetwork
    config : DictConfig
        The model's configuration with overrides applied.
    made_with : mapping
        Fingerprint of what was loaded.
    runtime : {"eager", "onnx", "tensorrt"}
        What does the network's forward pass.
    remark : str
        Why it runs on another device than it could be expected to; usually empty.
    """

    def __init__(
        self,
        folder: ModelFolder,
        network: AnyNetwork,
        config: Any,
        made_with: Mapping[str, str],
        runtime: str = "eager",
        remark: str = "",
    ) -> None:
        self.folder = folder
        self.network = network
        self.config = config
        self.made_with = made_with
        self.runtime = runtime
        self._remark = remark
        is_lean = isinstance(network, LeanNetwork)
        self._lanes = Lanes(
            share_processor=is_lean or (self.device == CPU and runtime == "eager"), of_torch=not is_lean
        )

    @classmethod
    def load(
        cls,
        folder: ModelFolder,
        precision: str = "fp32",
        runtime: str = "eager",
        overrides: Sequence[str] = (),
        trust: bool = False,
        onnx_precision: str | None = None,
        *,
        look: Look | None = None,
        tell: Tell = quiet,
    ) -> Engine:
        """Load a model; takes seconds, most of them for importing Lightning Pose.

        Parameters
        ----------
        folder : ModelFolder
        precision : {"fp32", "fp16", "bf16"}
            Of the network's arithmetic; ignored by the runtimes other than ``eager``.
        runtime : {"eager", "onnx", "tensorrt", "auto"}
            ``onnx`` runs Lightning Pose's export, which is made where there is none of this checkpoint
            and compared with the network before it is used; ``auto`` times both and takes the faster;
            ``tensorrt`` runs what `litpose export` has written into the folder.
        overrides : sequence of str
            ``key=value`` in Hydra's grammar, applied to ``config.yaml``.
        trust : bool
            Whether code that the checkpoint brings may run.
        onnx_precision : {"fp32", "fp16"} or None
            Of the export; None for ``fp32``, or on a graphics card for the only one that is there.
        look : callable or None
            From (height, width) of the network's image to the frames that a new export is compared on,
            such as :func:`napari_cropzoom.pipeline.fastpath.some_frames`; None for random images.
        tell : callable
            Called with a line for a person when something takes time or turns out otherwise.

        Raises
        ------
        CropzoomError
            If Lightning Pose is not installed, an argument is wrong, the checkpoint is missing, damaged
            or not to be trusted, or there is no export for the runtime that can be trusted.
        """
        loaded_by = runtime if runtime == "tensorrt" else "eager"
        before: Mapping[str, str] = {}
        with contextlib.suppress(OSError):  # loading says it better
            before = fingerprint(ModelFolder.open(folder.path), precision, loaded_by, overrides)
        check_choices(precision, runtime)
        folder = ModelFolder.open(folder.path)  # it may have been trained anew since
        wanted = runtime
        if runtime == "auto":
            wanted = remembered_runtime(folder, precision, onnx_precision) or runtime
        if wanted == "onnx":
            engine = cls._lean(folder, precision, overrides, onnx_precision)
            if engine is not None:
                if runtime == "auto":
                    tell(say_remembered(folder, precision, onnx_precision))
                return engine
        model = load_model(folder, precision, loaded_by, overrides, trust, onnx_precision)
        folder_now = ModelFolder.open(folder.path)
        if fingerprint(folder_now, precision, loaded_by, overrides) != before:
            raise CropzoomError(f"{folder.path}: was written to while it was loaded. Start again.")
        size, said = image_size(model.cfg), list[str]()
        arithmetic = precision if runtime in ("eager", "auto") else "fp32"
        network = usable_network(model.model, arithmetic, size, said.append)
        for line in said:
            tell(line)
        if runtime == "onnx":
            run_export(model, network, folder_now, onnx_precision, look, tell)
        elif runtime == "auto":
            batch = usual_batch_size(network, model.cfg)
            runtime = choose_runtime(
                model, network, folder_now, precision, onnx_precision, batch, look, tell
            )
        if runtime == "onnx":  # from the first time on with the numbers of all later ones
            engine = cls._lean(folder_now, precision, overrides, onnx_precision)
            if engine is not None:
                return engine
        if runtime == "eager":
            network.fold(size)
        made_with = fingerprint(folder_now, precision, runtime, overrides, onnx_precision)
        return cls(folder, network, model.cfg, made_with, runtime, " ".join(said))

    @classmethod
    def _lean(
        cls, folder: ModelFolder, precision: str, overrides: Sequence[str], onnx_precision: str | None
    ) -> Engine | None:
        network = find_lean(folder, overrides, onnx_precision, shared(processors())[1])
        if network is None:
            return None
        from omegaconf import OmegaConf

        made_with = fingerprint(folder, precision, "onnx", overrides, onnx_precision)
        return cls(folder, network, OmegaConf.create(folder.config), made_with, "onnx")

    @property
    def road(self) -> str:
        """How predictions are made, for a person: whose code, which runtime, which device."""
        how = self.device if self.runtime == "eager" else f"{self.runtime} on {self.device}"
        return f"{self.folder.road}, {how}" + (f" ({self._remark})" if self._remark else "")

    @property
    def device(self) -> str:
        """What the network runs on: ``cpu``, ``cuda`` or ``mps``."""
        return self.network.device_type

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
        only: BoolArray | None = None,
    ) -> Stage[Poses]:
        """Find the keypoints in every frame of a video, or in those asked for.

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
        only : ndarray, (T,) bool, or None
            Frames to run instead; the others are as in ``kept``.

        Returns
        -------
        Poses
            One row a frame; NaN with likelihood 0 where there is no box, or nothing run or kept.

        Raises
        ------
        CropzoomError
            If the boxes do not fit the video, the video is damaged, or memory does not suffice.
        """
        opened = video if isinstance(video, Video) else Video(video)
        try:
            xy, likelihood = yield from predict_frames(
                self.network,
                self._lanes,
                opened,
                seen_boxes(boxes, opened.index, edge),
                self.image_size,
                batch_size=min(self.batch_size(batch_size), opened.n_frames),
                kept=kept,
                only=only,
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

    def batch_size(self, asked: int | None) -> int:
        """How many frames the network is given at a time: as asked, or what suits the device.

        Raises
        ------
        CropzoomError
            If less than one is asked for.
        """
        if asked is not None:
            if asked < 1:
                raise CropzoomError(f"The batch size is {asked}; it must be 1 or more frames.")
            return asked
        return usual_batch_size(self.network, self.config)


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
    every: int = 1,
    tell: Tell = quiet,
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
    every : int
        More than 1 for every n-th whole frame first, then all where that is not enough, see
        :mod:`napari_cropzoom.pipeline.coarse`; the others are interpolated and the record says which.
    tell : callable
        Called with what will run, with ``only_changed``, or what has run, with ``every``, in a few words
        for a person.

    Returns
    -------
    Path
        The predictions.

    Raises
    ------
    CropzoomError
        As :meth:`Engine.load`, :meth:`Engine.predict` and :func:`write_outputs`, or if ``every`` is more
        than 1 and there are boxes or only what has changed is to be run.
    """
    check_every(every, boxes is not None, only_changed)
    video = Path(video)
    target = output or model.predictions_csv(video)
    with Video(video) as opened:
        total = opened.n_frames
        if engine is None:
            with ThreadPoolExecutor(1) as loader:
                how = (precision, runtime, overrides, trust)
                look = partial(some_frames, video, boxes, edge)
                loading = loader.submit(partial(Engine.load, model, *how, look=look))
                engine = yield from awaited(loading, Progress(0, total, f"loading {model.path.name}"))
        kept = None
        if only_changed:
            outlook = look_back(
                target, engine.made_with, opened.index, boxes, edge=edge, device=engine.device
            )
            tell(outlook.say())
            if outlook.up_to_date:
                return target
            kept = read_kept(target, outlook)
        if every == 1:
            stage = engine.predict(opened, boxes, batch_size=batch_size, edge=edge, kept=kept)
        else:
            stage = predict_coarse_to_fine(engine, opened, every, batch_size=batch_size)
        poses = yield from stage
        if every > 1:
            tell(frames_run(poses))
        seen = None if boxes is None else seen_boxes(boxes, opened.index, edge)
        identity, guessed = video_identity(opened.index), poses.interpolated
        record = MadeWith(dict(engine.made_with), engine.device, identity, seen, interpolated=guessed)
    drawn = model.labeled_video(video) if labeled_video else None
    yield from write_outputs(
        poses, target, video, engine.config, metrics=metrics, labeled_video=drawn, record=record
    )
    return target
