"""The npe2 writer: a layer of boxes is saved as the review it shows, not as its one rectangle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.files.bbox_csv import write_bbox_csv

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
    from napari import current_viewer

    from napari_cropzoom.widgets.controller import find_controller

    viewer = current_viewer()
    controller = find_controller(viewer) if viewer is not None else None
    layers = controller.layers if controller is not None else None
    ours = [] if layers is None else [part.layer.name for part in layers.parts]
    if controller is None or controller.session is None or attributes.get("name") not in ours:
        raise CropzoomError(NOT_OURS.format(attributes.get("name", path)))
    saved = controller.session.save()
    if Path(path).absolute() != saved.absolute():
        write_bbox_csv(Path(path), controller.session.final_boxes())
    return [path, str(saved)]
