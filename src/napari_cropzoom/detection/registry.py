"""Detectors that need no Lightning Pose model, found through entry points.

A package offers one under the group ``napari_cropzoom.detectors``; ``docs/detectors.md`` shows how.
"""

from __future__ import annotations

import contextlib
import dataclasses
import warnings
from collections.abc import Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.progress import Stage

GROUP = "napari_cropzoom.detectors"


class Detector(Protocol):
    """Puts a box round the animal in every frame of a video.

    Attributes
    ----------
    name : str
        Name of the entry point and of ``cropzoom detect --method``.
    label : str
        What menus show.
    help : str
        What it needs and how it finds the animal, in a sentence, for a tooltip.
    settings : type
        A frozen dataclass whose fields all have defaults and are made with `setting`; forms, range
        checks and help come from it.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    help: ClassVar[str]
    settings: ClassVar[type[Any]]

    def detect(self, video: Path, settings: Any) -> Stage[NDArray[np.float64]]:
        """Yield progress and return boxes.

        Returns
        -------
        ndarray of float64, shape (T, 4)
            ``x, y, w, h`` in pixels of the full frame, one row a frame, NaN where nothing was found.

        Raises
        ------
        CropzoomError
            If the video cannot be read.
        """
        ...


@dataclasses.dataclass(frozen=True)
class Listing:
    """Detectors that load, and what is wrong with those that do not, both by name."""

    working: dict[str, type[Any]]
    broken: dict[str, str]


def setting(default: Any, label: str, tooltip: str, minimum: float, maximum: float) -> Any:
    """Return a dataclass field with what a form needs to show it."""
    metadata = {"label": label, "tooltip": tooltip, "min": minimum, "max": maximum}
    return dataclasses.field(default=default, metadata=metadata)


def detector_names() -> list[str]:
    """Return the names of every installed detector, none of which is loaded."""
    return sorted(entry_points(group=GROUP).names)


def list_detectors() -> Listing:
    """Load every installed detector; one that cannot be loaded does not stop the others."""
    listing = Listing({}, {})
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        try:
            listing.working[entry.name] = load(entry)
        except Exception as error:  # a plugin may fail in any way while it is imported
            listing.broken[entry.name] = f"{entry.value}: {type(error).__name__}: {error}"
    return listing


def available_detectors() -> dict[str, type[Any]]:
    """Return name -> detector class, with a warning for every plugin that cannot be loaded."""
    listing = list_detectors()
    for name, reason in listing.broken.items():
        warnings.warn(f"The detector {name!r} cannot be loaded ({reason}).", stacklevel=2)
    return listing.working


def get_detector(name: str) -> Detector:
    """Return a new detector.

    Raises
    ------
    CropzoomError
        If there is none of that name, or it cannot be loaded.
    """
    listing = list_detectors()
    if name in listing.working:
        detector: Detector = listing.working[name]()
        return detector
    if name in listing.broken:
        raise CropzoomError(
            f"The detector {name!r} cannot be loaded ({listing.broken[name]}). "
            "Update or remove the package it comes from."
        )
    raise CropzoomError(
        f"There is no detector {name!r}. Choose one of: {', '.join(listing.working) or 'none found'}."
    )


def load(entry: EntryPoint) -> type[Any]:
    """Return the class of an entry point.

    Raises
    ------
    TypeError
        If it is not a detector.
    """
    loaded: type[Any] = entry.load()
    missing = [name for name in ("label", "help", "settings", "detect") if not hasattr(loaded, name)]
    missing += [] if isinstance(loaded, type) else ["a class"]
    if missing:
        raise TypeError(f"not a detector class, it lacks {', '.join(missing)}")
    if not dataclasses.is_dataclass(loaded.settings):
        raise TypeError("its settings are not a dataclass")
    return loaded


def settings_of(detector: Detector, values: Mapping[str, Any]) -> Any:
    """Return a detector's settings with some of them changed.

    Raises
    ------
    CropzoomError
        If a name is unknown, or a value is not a number or out of range.
    """
    fields = {field.name: field for field in dataclasses.fields(detector.settings)}
    for name, value in values.items():
        if name not in fields:
            raise CropzoomError(
                f"The detector {detector.name!r} has no setting {name!r}; it has {', '.join(fields)}."
            )
        check_range(detector.name, fields[name], value)
    return detector.settings(**values)


def settings_from(detector: Detector, texts: Sequence[str]) -> Any:
    """Return settings from texts such as ``box_size=200``; errors as of :func:`settings_of`."""
    fields = {field.name: field for field in dataclasses.fields(detector.settings)}
    values: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise CropzoomError(
                f"{text!r} sets nothing. Give NAME=VALUE, such as {next(iter(fields))}=1."
            )
        values[name] = value
        kind = type(fields[name].default) if name in fields else str
        if kind in (int, float):
            with contextlib.suppress(ValueError):  # told as a value out of range
                values[name] = kind(value)
    return settings_of(detector, values)


def check_range(detector: str, field: dataclasses.Field[Any], value: Any) -> None:
    """Raise a `CropzoomError` if a number is outside what its field allows."""
    low, high = field.metadata.get("min"), field.metadata.get("max")
    if low is None or high is None:
        return
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not low <= value <= high:
        raise CropzoomError(
            f"The setting {field.name!r} of the detector {detector!r} must be a number from "
            f"{low:g} to {high:g}, not {value!r}."
        )
