"""Formats of other programs, one module each, in the order in which they are asked what a file is."""

from __future__ import annotations

from napari_cropzoom.files.formats.outside.boxes_csv import BoxesCsv
from napari_cropzoom.files.formats.outside.coco import Coco
from napari_cropzoom.files.formats.outside.cvat import Cvat
from napari_cropzoom.files.formats.outside.idtracker import Idtracker
from napari_cropzoom.files.formats.outside.keypoints.dlc_h5 import DlcHdf5
from napari_cropzoom.files.formats.outside.keypoints.keypoints_csv import KeypointsCsv
from napari_cropzoom.files.formats.outside.keypoints.nwb import Nwb
from napari_cropzoom.files.formats.outside.keypoints.sleap import Sleap
from napari_cropzoom.files.formats.outside.masks import Masks
from napari_cropzoom.files.formats.outside.mot import Mot
from napari_cropzoom.files.formats.outside.movement import Movement
from napari_cropzoom.files.formats.outside.sam import Sam
from napari_cropzoom.files.formats.outside.trex import Trex
from napari_cropzoom.files.formats.outside.via import Via
from napari_cropzoom.files.formats.outside.yolo import Yolo
from napari_cropzoom.files.formats.outside_rows import OutsideFormat

OUTSIDE: tuple[OutsideFormat, ...] = (
    KeypointsCsv(),
    Via(),
    Idtracker(),
    BoxesCsv(),
    Mot(),
    Yolo(),
    Sam(),
    Coco(),
    Cvat(),
    Nwb(),
    Movement(),
    Sleap(),
    DlcHdf5(),
    Trex(),
    Masks(),
)
"""Of these the first that recognises a file reads it: the more particular come first."""
