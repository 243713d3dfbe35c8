"""Masks as a stack of label images, TIFF: a page a frame, a number an animal."""

from __future__ import annotations

import lzma
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, ClassVar

import numpy as np

from napari_cropzoom.core.words import counted
from napari_cropzoom.files.formats.contents import MOST_ARRAY, Content
from napari_cropzoom.files.formats.outside_rows import (
    ImportOptions,
    OutsideRows,
    VideoFacts,
    numbered,
    refuse,
)
from napari_cropzoom.files.parsing import UNREADABLE_ARRAYS, without_tiff_logs

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPage

MOST_LABELS = 1000
BLOCK = 1 << 20
"""Pixels whose labels are looked for at once."""
STRIP, STRIP_BYTES = 273, 279
NUMBERS = {3: "H", 4: "I", 16: "Q"}
"""Types of tags, as `struct` has them."""
FREE = (STRIP, STRIP_BYTES, 270, 282, 283, 297, 305, 306)
"""Tags that may differ in pages of one kind: where pixels lie, texts, resolution, page number, date."""


class Masks:
    """See :class:`napari_cropzoom.files.formats.outside_rows.OutsideFormat`."""

    name: ClassVar[str] = "masks"
    label: ClassVar[str] = "Label images (TIFF)"
    help: ClassVar[str] = "A stack with one page a frame, 0 for nothing and a number for each animal"
    patterns: ClassVar[tuple[str, ...]] = ("*.tif", "*.tiff")

    def recognises(self, content: Content) -> bool:
        """By the first bytes of a TIFF."""
        return content.kind == "tiff"

    def read(self, path: Path, video: VideoFacts, options: ImportOptions) -> OutsideRows:
        """Read the extent of each label, page by page."""
        import tifffile

        try:
            with without_tiff_logs(), tifffile.TiffFile(path) as file:
                n_pages = len(file.pages)
                if n_pages != video.n_frames:
                    raise refuse(
                        path,
                        f"has {counted(n_pages, 'page')} but {video.name} has "
                        f"{counted(video.n_frames, 'frame')}. Write one page a frame; if it had "
                        "as many, it was cut short: copy it again.",
                    )
                with path.open("rb") as raw:
                    rows = list(_rows(path, _pages(path, file, raw, video), video))
        except (
            tifffile.TiffFileError,
            *UNREADABLE_ARRAYS,
            LookupError,
            struct.error,
            lzma.LZMAError,
        ) as error:
            raise refuse(path, "is no TIFF, damaged or cut short. Copy or export it again.") from error
        if not rows:
            raise refuse(path, "holds no mask: all pages are 0.")
        values = np.array(rows, np.float64)
        names, animal = numbered(values[:, 1])
        return OutsideRows(
            names,
            animal,
            values[:, 0].astype(np.int64),
            boxes=np.column_stack([values[:, 2:4], values[:, 4:6] - values[:, 2:4]]),
        )


def _rows(
    path: Path, pages: Iterator[np.ndarray], video: VideoFacts
) -> Iterator[tuple[int, int, int, int, int, int]]:
    """Frame, label and corners of each label of each page, many small pages at once."""
    n_block = max(1, BLOCK // max(1, video.height * video.width))
    block = np.empty((n_block, video.height, video.width), np.int64)
    first = 0
    while first < video.n_frames:
        n = min(n_block, video.n_frames - first)
        for place in range(n):
            block[place] = next(pages)
        yield from _spots(path, block[:n], first)
        first += n


def _spots(path: Path, block: np.ndarray, first: int) -> Iterator[tuple[int, int, int, int, int, int]]:
    """The same of one block (N, H, W), whose labels are changed; frame `first` is its first page."""
    from scipy.ndimage import find_objects

    tops = block.max(axis=(1, 2), initial=0)
    highest = int(tops.max())
    if highest > MOST_LABELS:
        page = int(np.argmax(tops > MOST_LABELS))
        raise refuse(
            path,
            f"page {first + page} has the label {tops[page]}; labels are numbers of animals, at most "
            f"{MOST_LABELS}.",
        )
    if len(block) > 1:  # labels of their own for each page
        own = np.arange(len(block))[:, None, None] * highest
        np.add(block, own, out=block, where=block > 0)
    for number, spot in enumerate(find_objects(block, max_label=highest * len(block))):
        if spot is not None:
            frame, label = divmod(number, highest)
            _, rows, columns = spot
            yield first + frame, label + 1, columns.start, rows.start, columns.stop, rows.stop


def _pages(path: Path, file: TiffFile, raw: BinaryIO, video: VideoFacts) -> Iterator[np.ndarray]:
    """The labels (H, W) of each page; a page of the kind of the one before costs few steps.

    Raises
    ------
    CropzoomError
        For a page that is no label image of a whole frame.
    """
    kind: _Kind | None = None
    for frame in range(video.n_frames):
        labels = kind.next_page(raw) if kind else None
        if labels is None:
            page = file.pages[frame].aspage()
            _check(path, frame, page, video)
            labels, kind = page.asarray(), _Kind.of(file, page, raw)
        yield labels


def _check(path: Path, frame: int, page: TiffPage, video: VideoFacts) -> None:
    if page.shape != (video.height, video.width):
        raise refuse(
            path,
            f"page {frame} has the shape {page.shape}, the frames of {video.name} are {video.width} x "
            f"{video.height}. Write label images of the whole frame.",
        )
    if page.dtype is None or page.dtype.kind not in "ui" or page.size * 8 > MOST_ARRAY:
        raise refuse(path, f"page {frame} is not a label image of whole numbers.")


class _Kind:
    """Pages whose tags are those of one that tifffile has read, but for where their only strip lies.

    A table of tags in a file is their number, an entry for each (tag, type, count, and the value or where
    it is), and where the next table is: numbers of 2, 2, 4, 4 and 4 bytes, in a BigTIFF 8, 2, 8, 8 and 8.
    """

    def __init__(self, page: TiffPage, table: bytes, big: bool, order: str) -> None:
        self.page, self.size = page, len(table)
        self.where = struct.Struct(order + ("Q" if big else "I"))
        head, entry, value = (8, 20, 12) if big else (2, 12, 8)
        self.keep: list[slice] = []
        self.strip: dict[int, tuple[struct.Struct, int]] = {}
        kept = 0
        for at in range(head, self.size - self.where.size, entry):
            tag, form = struct.unpack_from(order + "HH", table, at)
            if tag in FREE:
                self.keep.append(slice(kept, at + value))
                kept = at + entry
                if tag in (STRIP, STRIP_BYTES):
                    self.strip.setdefault(tag, (struct.Struct(order + NUMBERS[form]), at + value))
        self.keep.append(slice(kept, self.size - self.where.size))
        self.same = self._without_free(table)
        self.next = self._where_next(table)

    @classmethod
    def of(cls, file: TiffFile, page: TiffPage, raw: BinaryIO) -> _Kind | None:
        """The kind of a page, or None if others like it are to be read by tifffile, too."""
        big, order = file.is_bigtiff, file.byteorder
        sizes = (8, 20) if big else (4, 12)
        if (file.tiff.offsetsize, file.tiff.tagsize) != sizes or len(page.dataoffsets) != 1:
            return None
        plain = page.compression == 1
        if page.is_tiled or page.fillorder != 1 or page.jpegtables or (plain and page.predictor != 1):
            return None
        for tag in (STRIP, STRIP_BYTES):
            entry = page.tags.get(tag)
            if (
                entry is None
                or entry.count != 1
                or entry.dtype not in NUMBERS
                or (entry.dtype == 16 and not big)
            ):
                return None
        raw.seek(page.offset)
        head = raw.read(8 if big else 2)
        count = int.from_bytes(head, "little" if order == "<" else "big")
        table = head + raw.read(count * sizes[1] + sizes[0])
        whole = len(table) == len(head) + count * sizes[1] + sizes[0]
        return cls(page, table, big, order) if whole else None

    def _without_free(self, table: bytes) -> bytes:
        return b"".join([table[part] for part in self.keep])

    def _value(self, table: bytes, tag: int) -> int:
        form, at = self.strip[tag]
        return int(form.unpack_from(table, at)[0])

    def _where_next(self, table: bytes) -> int:
        (where,) = self.where.unpack_from(table, self.size - self.where.size)
        return int(where)

    def next_page(self, raw: BinaryIO) -> np.ndarray | None:
        """Labels (H, W) of the page after the last one, or None if it is not of this kind."""
        raw.seek(self.next)
        table = raw.read(self.size)
        if not self.next or len(table) != self.size or self._without_free(table) != self.same:
            return None
        where, n_bytes = (self._value(table, tag) for tag in (STRIP, STRIP_BYTES))
        raw.seek(where)
        data = raw.read(n_bytes) if where and 0 < n_bytes <= MOST_ARRAY else b""
        shape = self.page.shape
        labels: np.ndarray | None
        if len(data) != n_bytes or not data:
            return None
        if self.page.compression == 1:
            kind = np.dtype(self.page.dtype).newbyteorder(self.page.parent.byteorder)
            if len(data) != shape[0] * shape[1] * kind.itemsize:
                return None
            labels = np.frombuffer(data, kind).reshape(shape)
        else:
            labels = self.page.decode(data, 0)[0]
            if labels is None or labels.shape != (1, *shape, 1):
                return None
            labels = labels.reshape(shape)
        self.next = self._where_next(table)
        return labels
