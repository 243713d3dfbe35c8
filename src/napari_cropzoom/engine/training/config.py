"""What a training would read and load, found out before it is started.

Lightning Pose unpickles every checkpoint that its configuration names, with all that is in it. So the
configuration is put together here as Hydra will do it, what it names is looked into, and the training is
told to take just that.
"""

from __future__ import annotations

import contextlib
import os
import re
import threading
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from napari_cropzoom.core.errors import CropzoomError, brief
from napari_cropzoom.engine.model_folder import ModelFolder, check_model_name
from napari_cropzoom.engine.vetting import vet
from napari_cropzoom.files.parsing import read_yaml

PICKLES = (".ckpt", ".pt", ".pth", ".bin", ".pkl", ".pickle", ".tar", ".npy", ".npz", ".joblib")
MOST_UNFOLDED = 1e8  # characters
MOST_FOLDERS = 10_000  # that are looked into for a checkpoint
NAMES_ONE = re.compile(r"checkpoint|ckpt", re.IGNORECASE)
_one_at_a_time = threading.Lock()  # Hydra has one state for all threads
WRITES_PICTURES = "SaveDebugImage"  # the augmenters of imgaug that write files


def compose(config: Path, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """Put a configuration together as `litpose train` does, with Hydra, and work out its references.

    Raises
    ------
    CropzoomError
        If it cannot be put together, or names places that modules are imported from.
    """
    check_hydra(config, read_yaml(config))
    try:
        import hydra
        import lightning_pose  # noqa: F401 its interpolations
        from hydra.core.override_parser.overrides_parser import OverridesParser
        from omegaconf import OmegaConf
        from omegaconf.errors import OmegaConfBaseException
    except ImportError as error:
        raise CropzoomError(
            f"Lightning Pose cannot be imported ({brief(error)}). "
            'Install it with: pip install "napari-cropzoom[pose]".'
        ) from error
    try:
        for override in OverridesParser.create().parse_overrides(list(overrides)):
            if re.match(r"hydra\b", override.key_or_group):
                raise CropzoomError(
                    f"--overrides {brief(override.input_line)}: settings of Hydra itself can run code. "
                    "Leave it out."
                )
        folder = str(config.parent.absolute())
        with _one_at_a_time, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Hydra, over the version that Lightning Pose asks for
            with hydra.initialize_config_dir(folder, version_base="1.1"):
                composed = hydra.compose(config_name=config.stem, overrides=list(overrides))
        settings: Any = OmegaConf.to_container(composed)
        if _unfolds_to_little(str(settings)):
            with contextlib.suppress(
                OmegaConfBaseException
            ):  # of what is not there; nobody may ask for it
                settings = OmegaConf.to_container(composed, resolve=True)
    except CropzoomError:
        raise
    except Exception as error:
        raise CropzoomError(
            f"{config}: cannot be loaded with overrides {brief(' '.join(overrides) or '(none)')}: "
            f"{brief(error, 200)}"
        ) from error
    for section in ("data", "model", "training"):
        if not isinstance(settings.get(section), dict):
            raise CropzoomError(
                f"{config}: has no section {section!r}. Give a Lightning Pose configuration."
            )
    return dict(settings)


def _unfolds_to_little(text: str) -> bool:
    """Whether references, each to a text with others in it, cannot make more than a hundred megabytes."""
    return len(text) * 3 ** (text.count("${") / 3) < MOST_UNFOLDED


def check_hydra(config: Path, content: dict[str, Any]) -> None:
    """Refuse a configuration that says where Hydra is to import modules from.

    Raises
    ------
    CropzoomError
    """
    settings = content.get("hydra")
    if "hydra.searchpath" in content or (isinstance(settings, dict) and "searchpath" in settings):
        raise CropzoomError(
            f"{config}: hydra.searchpath can make Hydra run code. Take it out of the configuration."
        )


def vetted(config: Path, settings: dict[str, Any], output_dir: Path, *, trust: bool) -> list[str]:
    """Look into all that a training would unpickle; return overrides that hold it to that.

    Parameters
    ----------
    config : Path
        Named in messages.
    settings : dict
        As :func:`compose` gives them.
    output_dir : Path
        Where the training will work; relative paths are seen from there.
    trust : bool
        Whether the person trusts where the checkpoints come from.

    Raises
    ------
    CropzoomError
        If a checkpoint is not there or would run code of its own and is not trusted, or the model's
        name leads out of the output folder.
    """
    model = settings["model"]
    name = model.get("model_name", "")
    check_model_name(config, name)
    _check_augmentation(config, settings["training"].get("imgaug"))
    if "${" in str(name):
        raise CropzoomError(
            f"{config}: model.model_name is {brief(name)!r}, which cannot be worked out. Write it out."
        )
    pins = {"model.model_name": name} if isinstance(name, str) and name else {}
    for key, value in _named(settings):
        file = _file(config, key, value, output_dir)
        if file is None:
            continue
        if not trust and file.suffix != ".safetensors":
            vet(file, f"It is named as {key} in {config} or in --overrides. ")
        if key in ("model.checkpoint", "model.backbone_checkpoint"):
            pins[key] = str(file)
    left = [] if trust else sorted((output_dir / "tb_logs").glob("**/*.ckpt"))
    for file in left:  # the newest is loaded once the training is over
        vet(file, f"It is left from before in {output_dir}, and may be loaded after the training. ")
    return [quoted_override(key, value) for key, value in pins.items()]


def _named(settings: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Dotted keys and values of all settings that name a checkpoint, by the key or by the suffix."""
    stack: list[tuple[str, Any]] = [("", settings)]
    while stack:
        key, value = stack.pop()
        if isinstance(value, dict):
            stack += [(f"{key}.{inner}" if key else str(inner), each) for inner, each in value.items()]
        elif isinstance(value, list):
            stack += [(key, each) for each in value]
        elif isinstance(value, str) and value:
            last = key.rpartition(".")[2]
            if NAMES_ONE.search(last) or value.lower().endswith(PICKLES):
                yield key, value


def _file(config: Path, key: str, value: str, output_dir: Path) -> Path | None:
    """Return the file Lightning Pose would load, as it looks for it; None where none need be there."""
    path = os.path.join(output_dir, value)
    if not output_dir.exists():  # it will be a folder, no link
        path = os.path.normpath(path)
    if key == "model.checkpoint" and not value.endswith(".ckpt"):
        path = _first_below(path, f"{config}: {key} is {brief(value)!r}") or path
    try:
        is_file = os.path.isfile(path)
    except ValueError:  # NUL
        is_file = False
    if is_file:
        return Path(path).absolute()
    if key not in ("model.checkpoint", "model.backbone_checkpoint"):
        return None
    raise CropzoomError(
        f"{config}: {key} is {brief(value)!r}, and there is no checkpoint (seen from {output_dir}, as "
        "Lightning Pose does). Give the whole path of a .ckpt file, or null for none."
    )


def _first_below(folder: str, what: str) -> str | None:
    """Return the checkpoint that Lightning Pose would find first below a folder; None if there is none.

    Links are followed, but each folder is gone into once: Lightning Pose would go round for ever.
    """
    seen = {os.path.realpath(folder)}
    with contextlib.suppress(ValueError):  # NUL
        for inner, folders, names in os.walk(folder, followlinks=True):
            found = [name for name in names if name.endswith(".ckpt") and not name.startswith(".")]
            if found:
                return os.path.join(inner, found[0])
            folders[:] = [name for name in folders if not name.startswith(".")]
            places = [os.path.realpath(os.path.join(inner, name)) for name in folders]
            folders[:] = [n for n, place in zip(folders, places, strict=True) if place not in seen]
            seen.update(places)
            if len(seen) > MOST_FOLDERS:
                raise CropzoomError(
                    f"{what}, a folder with more than {MOST_FOLDERS:,} others in it. Give the whole path "
                    "of a .ckpt file."
                )
    return None


def _check_augmentation(config: Path, imgaug: Any) -> None:
    """Lightning Pose calls whatever of imgaug's names a configuration gives, with its arguments."""
    for name in map(str, imgaug) if isinstance(imgaug, dict) else ():
        if not name[:1].isupper() or name.startswith(WRITES_PICTURES):
            raise CropzoomError(
                f"{config}: training.imgaug names {brief(name)!r}, which is no augmentation of images or "
                "writes files. Take it out."
            )


def quoted_override(key: str, value: str) -> str:
    """An override in Hydra's grammar that sets ``key`` to this very text.

    Raises
    ------
    CropzoomError
        If no such grammar holds it.
    """
    return f"++{key}={_quoted(value)}"


def going_on(model: ModelFolder) -> list[str]:
    """Overrides with which the configuration of a trained model trains on from its weights.

    Where the length is given in steps, Lightning Pose writes down the epochs that it has worked out, and
    does not take its own file again.
    """
    scheduler: Any = (
        model.config.get("training", {}).get("lr_scheduler_params", {}).get("multisteplr", {})
    )
    overrides = [quoted_override("model.checkpoint", str(model.checkpoint))]
    overrides.append("++model.backbone_pretrained=false")  # it has weights: others are not downloaded
    if isinstance(scheduler, dict) and {"milestones", "milestone_steps"} <= scheduler.keys():
        overrides.append("~training.lr_scheduler_params.multisteplr.milestones")
    return overrides


def _quoted(value: str) -> str:
    """Return a text in Hydra's grammar."""
    escaped = re.sub(r'(\\*)("|$)', lambda m: m[1] * 2 + ('\\"' if m[2] else ""), value)
    if "\\${" in value or not value.isprintable():
        raise CropzoomError(
            f"{brief(value)!r}: this name cannot be given to Lightning Pose. Rename the file."
        )
    return '"' + escaped.replace("${", "\\${") + '"'
