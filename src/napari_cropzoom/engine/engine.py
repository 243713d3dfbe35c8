"""A loaded model, kept warm between videos."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_cropzoom.core.boxes import BoolArray
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.progress import Notify, Stage, ignore
from napari_cropzoom.engine.checkpoint import check_choices, load_model
from napari_cropzoom.engine.fingerprint import fingerprint, machine
from napari_cropzoom.engine.incremental import PreviousResults, seen_boxes
from napari_cropzoom.engine.loop import predict_frames
from napari_cropzoom.engine.model_folder import ModelFolder
from napari_cropzoom.engine.network.devices import CPU
from napari_cropzoom.engine.network.executor import BatchPool, processors, shared
from napari_cropzoom.engine.network.samples import Examples, Network, image_size, usual_batch_size
from napari_cropzoom.engine.network.torch_network import TorchNetwork, usable_network
from napari_cropzoom.engine.onnx.build import measure, run_export
from napari_cropzoom.engine.onnx.network import OnnxNetwork
from napari_cropzoom.engine.onnx.note import measured_note, open_without_torch
from napari_cropzoom.engine.pixels import Edge
from napari_cropzoom.video.video import Video


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
    runtime : {"eager", "onnx", "tensorrt"}
        What does the network's forward pass.
    remark : str
        Why it runs on another device than it could be expected to; usually empty.
    """

    def __init__(
        self,
        folder: ModelFolder,
        network: Network,
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
        by_torch = isinstance(network, TorchNetwork)
        self._pool = BatchPool(
            share_processor=self.device == CPU and runtime != "tensorrt", of_torch=by_torch
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
        examples: Examples | None = None,
        notify: Notify = ignore,
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
        examples : callable or None
            From (height, width) of the network's image to the frames that a new export is compared on,
            such as :func:`napari_cropzoom.engine.loop.some_frames`; None for random images.
        notify : callable
            Called with a line for a person when something takes time or turns out otherwise.

        Raises
        ------
        CropzoomError
            If Lightning Pose is not installed, an argument is wrong, the checkpoint is missing, damaged
            or not to be trusted, or there is no export for the runtime that can be used.
        """
        check_choices(precision, runtime)
        folder = ModelFolder.open(folder.path)  # it may have been trained again since
        engine = cls._without_torch(folder, precision, runtime, overrides, onnx_precision, notify)
        if engine is not None:
            return engine
        loaded_by = runtime if runtime == "tensorrt" else "eager"
        before: Mapping[str, str] = {}
        with contextlib.suppress(OSError):  # loading says it better
            before = fingerprint(folder, precision, loaded_by, overrides)
        model = load_model(folder, precision, loaded_by, overrides, trust, onnx_precision)
        if fingerprint(ModelFolder.open(folder.path), precision, loaded_by, overrides) != before:
            raise CropzoomError(f"{folder.path}: was written to while it was loaded. Start again.")
        size, said = image_size(model.cfg), list[str]()
        arithmetic = precision if runtime in ("eager", "auto") else "fp32"
        network = usable_network(model.model, arithmetic, size, said.append)
        for line in said:
            notify(line)
        used: Network = network
        if runtime in ("onnx", "auto"):
            how = (runtime, precision, onnx_precision)
            exported = cls._exported(model, network, folder, *how, examples, notify)
            used, runtime = (network, "eager") if exported is None else (exported, "onnx")
        if runtime == "eager":
            network.fold(size)
        made_with = fingerprint(folder, precision, runtime, overrides, onnx_precision)
        return cls(folder, used, model.cfg, made_with, runtime, " ".join(said))

    @classmethod
    def _without_torch(
        cls,
        folder: ModelFolder,
        precision: str,
        runtime: str,
        overrides: Sequence[str],
        onnx_precision: str | None,
        notify: Notify,
    ) -> Engine | None:
        """Load an export that is known to agree with its network, where that is to run."""
        note = measured_note(folder, precision, onnx_precision) if runtime == "auto" else None
        if runtime != "onnx" and (note is None or note.faster != "onnx"):
            return None
        network = open_without_torch(folder, overrides, onnx_precision, shared(processors())[1])
        if network is None:
            return None
        if note is not None:
            notify(note.describe_speed())
        from omegaconf import OmegaConf

        made_with = fingerprint(folder, precision, "onnx", overrides, onnx_precision)
        return cls(folder, network, OmegaConf.create(folder.config), made_with, "onnx")

    @staticmethod
    def _exported(
        model: Any,
        network: TorchNetwork,
        folder: ModelFolder,
        runtime: str,
        precision: str,
        onnx_precision: str | None,
        examples: Examples | None,
        notify: Notify,
    ) -> OnnxNetwork | None:
        """Return the network's export; with ``auto`` None where it is not faster or not usable."""
        try:
            export, note, found = run_export(model, network, folder, onnx_precision, examples, notify)
        except CropzoomError as error:
            if runtime == "onnx":
                raise
            notify(f"runtime auto: eager, since ONNX cannot be used: {error}")
            return None
        if runtime == "onnx":
            return found
        if (note.machine, note.precision) != (machine(), precision):
            note = measure(network, export, note, precision, usual_batch_size(network, model.cfg))
        notify(note.describe_speed())
        return found if note.faster == "onnx" else None

    @property
    def description(self) -> str:
        """How predictions are made, for a person: whose code, which runtime, which device."""
        how = self.device if self.runtime == "eager" else f"{self.runtime} on {self.device}"
        return f"{self.folder.description}, {how}" + (f" ({self._remark})" if self._remark else "")

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
        previous: PreviousResults | None = None,
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
        previous : PreviousResults or None
            Previous results of this engine on this video; only what the boxes have changed is run.
        only : ndarray, (T,) bool, or None
            Frames to run instead; the others are as in ``previous``.

        Returns
        -------
        Poses
            One row a frame; NaN with likelihood 0 where there is no box, or it was neither run nor
            predicted before.

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
                batch_size=min(self.batch_size(batch_size), opened.n_frames),
                previous=previous,
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
