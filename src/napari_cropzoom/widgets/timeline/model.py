"""What the timeline shows of a session, computed in threads, updated where an edit reaches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from qtpy.QtCore import QObject, QTimer, Signal

from napari_cropzoom.core.boxes import BoxTrack
from napari_cropzoom.core.inspection.inspection import anchor_likelihood
from napari_cropzoom.core.smoothing.methods import SmoothingSettings
from napari_cropzoom.core.timeline.pyramid import Pyramid
from napari_cropzoom.core.timeline.series import Flag, FlagStrip, TrackSeries
from napari_cropzoom.jobs import DRAWN_FIRST, Latest
from napari_cropzoom.review.session import Session

_QUEUE_DELAY = DRAWN_FIRST  # milliseconds without an edit before the queue is asked for again

_INSPECTED_AT_ONCE = 5_000  # frames; longer tracks are inspected in a thread


@dataclass(frozen=True)
class _Built:
    track: BoxTrack
    series: TrackSeries


class TimelineModel(QObject):
    """Computes what is shown of one session at a time.

    Attributes
    ----------
    series : TrackSeries or None
        Of the session's track; None until it is computed.
    likelihood : Pyramid or None
    flags : FlagStrip or None
    changed
        Something to draw is new.
    """

    changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.series: TrackSeries | None = None
        self.likelihood: Pyramid | None = None
        self.flags: FlagStrip | None = None
        self._session: Session | None = None
        self._track: BoxTrack | None = None
        self._missed: list[tuple[int, int]] = []
        self._building = Latest(self._on_built, self._on_failed, pause=DRAWN_FIRST)
        self._reading = Latest(self._on_likelihood, self._on_failed, pause=DRAWN_FIRST)
        self._asking = Latest(self._on_flags, self._on_failed)
        self._ask_later = QTimer(self)
        self._ask_later.setSingleShot(True)
        self._ask_later.setInterval(_QUEUE_DELAY)
        self._ask_later.timeout.connect(self._ask)

    # ---- session -------------------------------------------------------------------------------

    def set_session(self, session: Session | None) -> None:
        """Show another session, or none."""
        if self._session is not None:
            for signal, slot in self._connections(self._session):
                signal.disconnect(slot, missing_ok=True)
        for latest in (self._building, self._reading, self._asking):
            latest.drop()
        self._ask_later.stop()
        self._session = session
        self.series = self.likelihood = self.flags = self._track = None
        if session is not None:
            for signal, slot in self._connections(session):
                signal.connect(slot)
            self._read()
            self._build()
        self.changed.emit()

    def _connections(self, session: Session) -> list[tuple[Any, Any]]:
        return [
            (session.boxes_changed, self._on_boxes),
            (session.track_changed, self._on_track),
            (session.smoothing_changed, self._build),
            (session.predictions_changed, self._on_predictions),
            (session.suspects.inspected, self._ask_soon),
        ]

    def _on_track(self) -> None:
        self._read()
        self._build()

    def _on_predictions(self, kind: str) -> None:
        if kind == "detector":
            self._read()
            self._ask_later.start()

    def _on_boxes(self, name: str, first: int, last: int) -> None:
        session = self._session
        if session is None or name != session.track.name:
            return
        if self._building.is_running:
            self._missed.append((first, last))
        if self.series is not None and self._track is session.track:
            self.series.renew(session.track, first, last)
            self.changed.emit()
        self._ask_later.start()

    # ---- computing -----------------------------------------------------------------------------

    def _build(self) -> None:
        session = self._session
        if session is None:
            return
        self._missed = []
        copy = session.track.copy()
        self._building.request(build, session.track, copy, session.smoothing)

    def _on_built(self, built: _Built) -> None:
        session = self._session
        if session is None or session.track is not built.track:
            return
        self.series, self._track = built.series, built.track
        for first, last in self._missed:
            self.series.renew(built.track, first, last)
        if self.flags is not None and len(self.flags.levels) == len(built.track):
            self.series.set_flags(built.track, self.flags.flags)
        self.changed.emit()
        self._ask_later.start()

    def _read(self) -> None:
        session = self._session
        if session is None or session.detector_poses is None:
            self._reading.drop()
            self.likelihood = None
            return
        anchors = session.sizing.anchor_keypoints if session.sizing else ()
        self._reading.request(read_likelihood, session.detector_poses, anchors)

    def _on_likelihood(self, likelihood: Pyramid) -> None:
        self.likelihood = likelihood
        self.changed.emit()

    def _ask_soon(self) -> None:
        self._ask_later.start()

    def _ask(self) -> None:
        """Ask for the queue; a long track's comes once the dock's review has inspected it."""
        session = self._session
        if session is None:
            return
        if session.suspects.is_inspected or session.n_frames <= _INSPECTED_AT_ONCE:
            self._asking.request(strip, session, session.queue())

    def _on_flags(self, answer: tuple[Session, Sequence[Flag], FlagStrip]) -> None:
        session, flags, strip = answer
        if session is not self._session:
            return
        self.flags = strip
        if self.series is not None and self._track is session.track:
            self.series.set_flags(session.track, flags)
        self.changed.emit()

    def _on_failed(self, error: Exception) -> None:
        raise error


def build(track: BoxTrack, copy: BoxTrack, settings: SmoothingSettings) -> _Built:
    """Compute the series of a track from a copy of it; runs in a thread."""
    return _Built(track, TrackSeries(copy, settings))


def read_likelihood(poses: Any, anchors: tuple[str, ...]) -> Pyramid:
    """Likelihood of every frame; runs in a thread."""
    return Pyramid(anchor_likelihood(poses, anchors).astype("f4"))


def strip(session: Session, flags: Sequence[Flag]) -> tuple[Session, Sequence[Flag], FlagStrip]:
    """Make the strip of the queue; runs in a thread."""
    return session, flags, FlagStrip(flags, session.n_frames)
