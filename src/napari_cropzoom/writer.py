"""The npe2 writers: layers of a review are saved as that review, not as the one frame they show."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.files.bbox_csv import write_bbox_csv

if TYPE_CHECKING:
    from napari_cropzoom.review.session import Session

NOT_OURS = (
    "{}: is no layer of an open review, so there are no boxes to write. Choose another kind of file in "
    "the dialog to write its shapes."
)


def write_boxes(path: str, data: Any, attributes: dict[str, Any]) -> list[str]:
    """Save the review that is open in the window in front, and write the final boxes of all frames.

    Parameters
    ----------
    path : str
        CSV that takes the boxes of the current animal, as ``litpose`` reads them: ``x,y,h,w`` a frame.
    data : Any
        Of the layer: the current frame only, so of no use.
    attributes : dict
        Of the layer; its name tells whether it is one of ours.

    Returns
    -------
    list of str
        ``path`` and the CSV of the review itself.

    Raises
    ------
    CropzoomError
        If the layer is not one of a review, there are no boxes, or a file cannot be written.
    """
    session = _session_of(path, attributes)
    saved = session.save()
    if Path(path).absolute() != saved.absolute():
        write_bbox_csv(Path(path), session.final_boxes())
    return [path, str(saved)]


def _writer(name: str) -> Callable[[str, Any, dict[str, Any]], list[str]]:
    """Return the npe2 writer of an export, of the whole review whatever frame is shown."""

    def write(path: str, data: Any, attributes: dict[str, Any]) -> list[str]:
        from napari_cropzoom.widgets.exchange.exporting import to_export

        to_export(_session_of(path, attributes), name, Path(path))()
        return [path]

    write.__doc__ = f"Write the review that is open in the window in front as {name}; see `write_boxes`."
    return write


def __getattr__(name: str) -> Callable[[str, Any, dict[str, Any]], list[str]]:
    """``write_<export>``, of any export of the registry that the manifest names."""
    from napari_cropzoom.files.formats.registry import EXPORTS, POSE_EXPORTS

    export = name.removeprefix("write_")
    known = {each.name for each in EXPORTS} | {each.name for each in POSE_EXPORTS}
    if export == name or export not in known:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _writer(export)


def _session_of(path: str, attributes: dict[str, Any]) -> Session:
    """Session whose layer this is.

    Raises
    ------
    CropzoomError
        If it is none of a review.
    """
    from napari import current_viewer

    from napari_cropzoom.widgets.controller import find_controller

    viewer = current_viewer()
    controller = find_controller(viewer) if viewer is not None else None
    layers = controller.layers if controller is not None else None
    ours = [] if layers is None else [part.layer.name for part in layers.parts]
    if controller is None or controller.session is None or attributes.get("name") not in ours:
        raise CropzoomError(NOT_OURS.format(attributes.get("name", path)))
    return controller.session
