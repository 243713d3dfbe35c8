"""What a person says of labels made by review; every act is on disk before it counts.

Lines of the journal, beside ``begin``: ``label`` (image, said, xy: what one has become), ``undo`` and
``redo`` (the same), and ``unseen`` (taken: whether labels that nobody has looked at go into the table).
A row that another program has changed in the table, or taken out of it, counts as said by a person.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.words import counted
from napari_cropzoom.files.csv_table import plain_path
from napari_cropzoom.files.journal import Journal
from napari_cropzoom.files.journal_lines import Entry, read_journal
from napari_cropzoom.files.parsing import MISSHAPEN
from napari_cropzoom.files.predictions_csv import PredictionsTable, read_predictions_table
from napari_cropzoom.projects.review_labels.label_table import are_same, in_order, rows_of, write_rows
from napari_cropzoom.projects.review_labels.record import (
    VERSION,
    FoundInImage,
    Place,
    Places,
    label_journal,
    read_record,
    record_of,
    with_review,
    without_review,
    write_record,
)


class Verdict(StrEnum):
    """What a person has said of a label."""

    NOTHING = "nothing"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


@dataclass(frozen=True)
class ReviewLabel:
    """Keypoints of one image.

    Attributes
    ----------
    image : str
        As in the table.
    xy : dict
        Of each keypoint that is visible x and y, in pixels of the image.
    said : Verdict
    """

    image: str
    xy: Places
    said: Verdict = Verdict.NOTHING


@dataclass(frozen=True)
class Counts:
    """How many labels were made, and how many a person has accepted and rejected."""

    total: int = 0
    accepted: int = 0
    rejected: int = 0

    @property
    def unseen(self) -> int:
        """How many nobody has looked at."""
        return self.total - self.accepted - self.rejected

    @property
    def brief(self) -> str:
        """``12 of 30 accepted, 2 rejected``."""
        rejected = f", {self.rejected} rejected" if self.rejected else ""
        return f"{self.accepted} of {self.total} accepted{rejected}"

    def told(self) -> str:
        """``12 of 30 accepted, 2 rejected, 16 to look at``."""
        return f"{self.brief}, {self.unseen} to look at" if self.unseen else self.brief


Act = tuple[ReviewLabel, ReviewLabel]


@dataclass(eq=False)
class LabelReview:
    """Labels made by review, with what a person says of them.

    Attributes
    ----------
    labels : Path
        The labels of the project.
    names : tuple of str
        Their keypoints.
    found : dict of str to FoundInImage
        By image, in the order they were made in.
    made : dict of str to ReviewLabel
        As they are now.
    takes_unseen : bool
        Whether labels that nobody has looked at go into the table.
    past, future : list of (ReviewLabel, ReviewLabel)
        Acts to take back, and to do again: before and after.
    """

    labels: Path
    names: tuple[str, ...]
    found: dict[str, FoundInImage]
    made: dict[str, ReviewLabel]
    takes_unseen: bool = True
    past: list[Act] = field(default_factory=list)
    future: list[Act] = field(default_factory=list)
    _as_of: int = 0
    _adopted: list[Act] = field(default_factory=list)
    _journal: Journal | None = None

    @classmethod
    def read(cls, labels: Path) -> LabelReview:
        """Read what there is; fit for a thread.

        Raises
        ------
        CropzoomError
            If a file cannot be read, or the table has other keypoints than the labels.
        """
        labels = labels.absolute()
        as_of = _said_at(with_review(labels))
        table, before = _tables(labels)
        rows = {} if before is None else rows_of(before)
        own = {plain_path(image) for image in table.index}
        found = {
            image: each
            for image, about in read_record(record_of(with_review(labels))).items()
            if image not in own and (each := FoundInImage.of(about, rows.get(image))) is not None
        }
        made = {
            image: ReviewLabel(image, in_order(each.labels(), table.names))
            for image, each in found.items()
        }
        result = cls(labels, table.names, found, made, _as_of=as_of)
        known = {image: [label.xy] for image, label in made.items()}
        for entry in read_journal(label_journal(with_review(labels)))[0]:
            with contextlib.suppress(*MISSHAPEN):
                result._apply(entry)
                if entry["do"] == "label":
                    known[entry["image"]].append(result.made[entry["image"]].xy)
        if before is not None:
            result._adopt(rows, known)
        return result

    @property
    def counts(self) -> Counts:
        """How far a person is."""
        said = [label.said for label in self.made.values()]
        return Counts(len(said), said.count(Verdict.ACCEPTED), said.count(Verdict.REJECTED))

    def by_doubt(self) -> list[str]:
        """Images, those first of whose keypoints the pose model was least sure."""
        return sorted(self.made, key=lambda image: self.found[image].likelihood)

    def place_of(self, image: str, name: str) -> Place:
        """Where a keypoint that is not visible was before, or was found; else the middle of the box."""
        for before, _ in reversed(self.past):
            if before.image == image and name in before.xy:
                return before.xy[name]
        found = self.found[image]
        middle = found.box.x + found.box.w / 2, found.box.y + found.box.h / 2
        return found.places.get(name, middle)

    def write_table(self) -> None:
        """Write the labels of the project, other rows of the table, and those made here.

        Raises
        ------
        CropzoomError
            If a file cannot be read or written.
        """
        target = with_review(self.labels)
        record = read_record(record_of(target))
        if any("keypoints" not in record.get(image, {}) for image in self.found):  # of version 1
            for image, each in self.found.items():
                record.setdefault(image, {})["keypoints"] = each.keypoints()
            write_record(record_of(target), record)
        table, before = _tables(self.labels)
        taken = {label.image: label.xy for label in self.made.values() if self._is_taken(label)}
        write_rows(target, table, before, self.made, taken)
        if self._as_of:  # what is said meanwhile is newer than the table, which knows nothing of it
            os.utime(target, ns=(self._as_of, self._as_of))

    # ---- what a person says --------------------------------------------------------------------

    def start(self) -> None:
        """Have the journal for this process alone; :attr:`read_only` says why it cannot be had.

        Raises
        ------
        CropzoomError
            If what another program has changed in the table cannot be kept.
        """
        self._journal = Journal(label_journal(with_review(self.labels)), "labels")
        while self._adopted and not self.read_only:
            before, after = self._adopted[0]
            self.made[before.image] = before
            self._keep(_line(after))
            del self._adopted[0]

    @property
    def read_only(self) -> str:
        """Why nothing can be changed here; empty if it can."""
        return "" if self._journal is None else self._journal.locked_out

    def close(self) -> None:
        """Let others have the journal."""
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    def say(self, image: str, said: Verdict) -> None:
        """Accept or reject a label.

        Raises
        ------
        CropzoomError
            If it cannot be kept, or no keypoint is visible; nothing has changed then.
        """
        if said is Verdict.ACCEPTED and not self.made[image].xy:
            raise CropzoomError("No keypoint is visible here. Show one, or reject the image.")
        self._change(replace(self.made[image], said=said))

    def place(self, image: str, name: str, place: Place | None) -> None:
        """Put a keypoint somewhere else; None says that it is not visible.

        Raises
        ------
        CropzoomError
            If it cannot be kept; nothing has changed then. So do the others.
        """
        xy = {each: where for each, where in self.made[image].xy.items() if each != name}
        if place is not None:
            xy[name] = (round(place[0], 3), round(place[1], 3))
        self._change(replace(self.made[image], xy=in_order(xy, self.names)))

    def take_unseen(self, taken: bool) -> None:
        """Have labels that nobody has looked at in the table, or leave them out."""
        if taken != self.takes_unseen:
            self._keep({"do": "unseen", "taken": taken})

    def undo(self) -> str | None:
        """Take the last act back, in this window or before; the image it was on, None without one."""
        return self._step(self.past, "undo")

    def redo(self) -> str | None:
        """Do it again."""
        return self._step(self.future, "redo")

    # ---- inside --------------------------------------------------------------------------------

    def _is_taken(self, label: ReviewLabel) -> bool:
        if not label.xy:  # Lightning Pose learns nothing from such a row
            return False
        return label.said is Verdict.ACCEPTED or (label.said is Verdict.NOTHING and self.takes_unseen)

    def _change(self, label: ReviewLabel) -> None:
        if label != self.made[label.image]:
            self._keep(_line(label))

    def _step(self, acts: list[Act], what: str) -> str | None:
        if not acts:
            return None
        label = acts[-1][0 if what == "undo" else 1]
        self._keep({**_line(label), "do": what})
        return label.image

    def _keep(self, entry: Entry) -> None:
        """Write an act down, and then do it."""
        journal = self._journal
        if journal is None:
            raise CropzoomError(f"{self.labels}: these labels are not open for changes.")
        if journal.is_empty:
            journal.append({"do": "begin", "version": VERSION})
        journal.append(entry)
        self._apply(entry)

    def _apply(self, entry: Entry) -> None:
        """Do what a line of the journal says; one that makes no sense raises one of ``MISSHAPEN``."""
        do = entry["do"]
        if do == "unseen":
            self.takes_unseen = bool(entry["taken"])
        if do not in ("label", "undo", "redo"):
            return
        before = self.made[entry["image"]]
        xy = {str(name): (float(x), float(y)) for name, (x, y) in entry["xy"].items()}
        label = ReviewLabel(before.image, in_order(xy, self.names), Verdict(entry["said"]))
        self.made[label.image] = label
        if do == "label":
            self.past.append((before, label))
            self.future.clear()
            return
        acts, others = (self.past, self.future) if do == "undo" else (self.future, self.past)
        if acts and acts[-1][0].image == label.image:  # those of labels that are gone are in no list
            others.append(acts.pop())

    def _adopt(self, rows: Mapping[str, Places], known: Mapping[str, Iterable[Places]]) -> None:
        """Take what another program has changed in the table since it was written."""
        target = with_review(self.labels)
        is_newest = _time(target) > _said_at(target)
        for image, label in [*self.made.items()]:
            if image in rows:
                if any(are_same(rows[image], xy) for xy in known[image]):
                    continue
                adopted = replace(label, xy=in_order(rows[image], self.names))
            elif is_newest and self._is_taken(label):
                adopted = replace(label, said=Verdict.REJECTED)
            else:
                continue
            self._adopted.append((label, adopted))
            self.made[image] = adopted


def count_labels(labels: Path) -> Counts:
    """How many labels a review has made, and what was said of them; fit for a thread.

    Raises
    ------
    CropzoomError
        If a file cannot be read.
    """
    return LabelReview.read(labels).counts if record_of(with_review(labels)).is_file() else Counts()


def unseen_in_table(table: Path) -> str:
    """How many labels that nobody has looked at a table has, in a sentence; empty if none. For a thread.

    Raises
    ------
    CropzoomError
        If a file cannot be read.
    """
    labels = without_review(table)
    review = None if labels == table else LabelReview.read(labels)
    if review is None or not review.takes_unseen or not review.counts.unseen:
        return ""
    count = counted(review.counts.unseen, "label")
    return f"Nobody has looked at {count} made by review in {table.name}: see tab Steps."


def write_label_table(labels: Path) -> None:
    """Make the table again of what is on disk; fit for a thread.

    Raises
    ------
    CropzoomError
        If a file cannot be read or written.
    """
    LabelReview.read(labels).write_table()


def _tables(labels: Path) -> tuple[PredictionsTable, PredictionsTable | None]:
    """The labels of a project, and what is in the table made of them."""
    target, table = with_review(labels), read_predictions_table(labels)
    before = read_predictions_table(target) if target.is_file() else None
    if before is not None and before.header[1:] != table.header[1:]:
        raise CropzoomError(f"{target}: has other keypoints than {labels}. Move it away to begin again.")
    return table, before


def _line(label: ReviewLabel) -> Entry:
    xy = {name: list(place) for name, place in label.xy.items()}
    return {"do": "label", "image": label.image, "said": str(label.said), "xy": xy}


def _said_at(table: Path) -> int:
    """When labels were last made, or something was said of one; nanoseconds, 0 for never."""
    return max(_time(record_of(table)), _time(label_journal(table)))


def _time(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0
