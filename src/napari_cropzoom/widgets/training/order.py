"""A training as it is asked for in the dock: what would end it early, and starting it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_cropzoom.core.scores import sees_hardly_finer
from napari_cropzoom.engine.model_folder import ModelFolder
from napari_cropzoom.engine.training.background import start
from napari_cropzoom.engine.training.checks import problems_of
from napari_cropzoom.engine.training.config import compose
from napari_cropzoom.engine.training.making import Recipe, make_config, write_config
from napari_cropzoom.engine.training.train import check_cropped, prepare, refuse_if_running
from napari_cropzoom.engine.training.weights import told_of_download
from napari_cropzoom.files.parsing import read_yaml
from napari_cropzoom.files.predictions_csv import read_predictions_table
from napari_cropzoom.projects.label_images import input_scale_of
from napari_cropzoom.projects.review_labels.improving import training_on
from napari_cropzoom.projects.review_labels.label_review import unseen_in_table

_BAD = set('/\\:*?"<>|')


@dataclass(frozen=True)
class Order:
    """A training as it is asked for.

    Attributes
    ----------
    labels : Path
    output_dir : Path
        The model folder to write.
    config : Path or None
        None for one made of ``recipe``.
    recipe : Recipe
    detector : Path or None
        Train on the images cropped with this detector.
    again : Path or None
        Train this model on, from its weights, by its own configuration and with ``labels``, as many
        epochs as ``recipe`` says.
    """

    labels: Path
    output_dir: Path
    config: Path | None
    recipe: Recipe
    detector: Path | None
    again: Path | None = None

    def problems(self) -> list[str]:
        """What would end it early; fit for a thread, and without torch.

        Raises
        ------
        CropzoomError
            If the configuration cannot be put together, or the folder is in use.
        """
        if not self.output_dir.name or set(self.output_dir.name) & _BAD:
            return ["Give a name for the model's folder, without / and \\."]
        refuse_if_running(self.output_dir)
        if (self.output_dir / "config.yaml").exists() or (self.output_dir / "tb_logs").exists():
            return [f"{self.output_dir.name}: there is a model of this name. Choose another name."]
        if self.again is not None and not self.labels.is_file():
            return [f"{self.labels.name}: not there yet. Make labels of corrected frames in tab Steps."]
        settings = self._settings()
        found = problems_of(settings, self.output_dir)
        if self.detector is not None:
            model = ModelFolder.open(self.detector, need_checkpoint=False)
            check_cropped(self.config or self.labels, settings, model)
        return found

    def check(self) -> tuple[list[str], str]:
        """What would end it early, and what a person should know of it, in sentences; for a thread.

        Raises
        ------
        CropzoomError
            As :meth:`problems`.
        """
        found = self.problems()
        if found:
            return found, ""
        told = (told_of_download(self._settings()), self._told_scale(), unseen_in_table(self.labels))
        return found, " ".join(filter(None, told))

    def _settings(self) -> dict[str, Any]:
        if self.config is None:
            return make_config(self.labels, _names(self.labels), self.recipe, self.output_dir.name)
        return compose(self.config, self._overrides())

    def _told_scale(self) -> str:
        model = None if self.detector is None else ModelFolder.open(self.detector, need_checkpoint=False)
        known: tuple[int, int] = (self.recipe.size, self.recipe.size)
        if self.config is not None:
            sizes = compose(self.config, self._overrides())["data"].get("image_resize_dims") or {}
            if not sizes.get("height") or not sizes.get("width"):
                return ""
            known = int(sizes["height"]), int(sizes["width"])
        scale = input_scale_of(self.labels, known, model)
        told = f"One pixel of the network's input will be {scale:.1f} px of the image"
        if model is None:
            return f"{told}."
        whole = input_scale_of(self.labels, model.image_size, None)
        hardly = " Hardly finer: take a larger size, or smaller boxes." * sees_hardly_finer(scale, whole)
        return f"{told}, where the detector's is {whole:.1f} px.{hardly}"

    def begin(self, trust: bool) -> Path:
        """Start it in the background; returns its folder. For a thread: takes seconds.

        Raises
        ------
        CropzoomError
            If it is refused, or ends before it has begun.
        """
        config = self.config or self._write()
        detector = None if self.detector is None else ModelFolder.open(self.detector)
        overrides = self._overrides()
        prepare(config, self.output_dir, detector, overrides, trust=trust)
        words = [str(config), "--output_dir", str(self.output_dir)]
        words += [] if detector is None else ["--detector_model", str(detector.path)]
        words += ["--overrides", *overrides] if overrides else []
        words += ["--trust_checkpoint"] if trust else []
        start(words, self.output_dir)
        return self.output_dir

    def _overrides(self) -> list[str]:
        """What is other than in the configuration."""
        if self.again is None:
            return []
        model = ModelFolder.open(self.again)
        epochs = self.recipe.epochs
        shortest = min(epochs, int(model.config["training"].get("min_epochs") or epochs))
        length = [f"training.max_epochs={epochs}", f"training.min_epochs={shortest}"]
        return [*training_on(model, self.labels), *(length if epochs_of(model) else [])]

    def _write(self) -> Path:
        """Write the made configuration beside the labels, where a person finds it again."""
        name = self.output_dir.name
        content = make_config(self.labels, _names(self.labels), self.recipe, name)
        path, number = self.labels.parent / f"config_{name}.yaml", 1
        while path.exists() and read_yaml(path) != content:
            number += 1
            path = self.labels.parent / f"config_{name}_{number}.yaml"
        write_config(path, content)
        return path


def epochs_of(model: ModelFolder) -> int | None:
    """How many epochs a model was trained for at most; None where its configuration counts steps."""
    training = model.config.get("training") or {}
    known = training.get("max_epochs")
    return known if isinstance(known, int) and "max_steps" not in training else None


def _names(labels: Path) -> tuple[str, ...]:
    return read_predictions_table(labels).names
