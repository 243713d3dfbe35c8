"""The dock's menu *Keypoints*: which are shown, by which colour, with names, with a skeleton.

Object names: ``menu_keypoints``; the choices are kept between sessions, the skeleton by body parts.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from weakref import WeakSet

from napari.layers import Points
from qtpy.QtGui import QAction, QActionGroup
from qtpy.QtWidgets import QInputDialog, QMenu, QWidget

from napari_cropzoom.canvas.keypoints.marks import BODY_PART, LIKELIHOOD, KeypointLooks
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.engine.skeleton import skeleton_of
from napari_cropzoom.widgets.controller import Controller
from napari_cropzoom.widgets.controls import settings
from napari_cropzoom.widgets.memory import hidden_in, remember_hidden

Bones = tuple[tuple[str, str], ...]
SEPARATOR = " - "
_WORDS = {
    "detector": "Detector's keypoints",
    "pose": "Pose model's keypoints",
    "labels": "Labels",
}
_KEPT = 100  # skeletons


class KeypointMenu(QMenu):
    """Chooses the looks of keypoints, and keeps the layers looking so.

    Parameters
    ----------
    controller : Controller
    show_error : callable
        Shows an error in the dock.
    parent : QWidget

    Attributes
    ----------
    ask_skeleton : callable
        Asks a person for lines of text; given as an attribute for those who drive the window by script.
    """

    def __init__(
        self, controller: Controller, show_error: Callable[[Exception], object], parent: QWidget
    ) -> None:
        super().__init__("Keypoints", parent)
        self.setObjectName("menu_keypoints")
        self.controller = controller
        self.ask_skeleton = self._ask_skeleton
        self._show_error = show_error
        self._of_project: dict[Path, Bones] = {}
        self._looks = KeypointLooks(
            BODY_PART if settings().value("keypoint_colour") == BODY_PART else LIKELIHOOD,
            settings().value("keypoint_names") == "yes",
        )
        self._wants_skeleton = settings().value("keypoint_skeleton") != "no"
        self._hidden: frozenset[str] = frozenset()  # kinds, in the video that is open
        self._watched = WeakSet[Points]()
        controller.session_changed.connect(self._on_session)
        controller.changed.connect(self._apply)
        self.aboutToShow.connect(self._fill)
        self._fill()

    # ---- the menu ------------------------------------------------------------------------------

    def _fill(self) -> None:
        self.clear()
        layers = self.controller.layers
        for kind, words in _WORDS.items():
            points = layers.points.get(kind) if layers else None
            if kind == "labels" and points is None:
                continue
            action = self._tick(words, points is not None and bool(points.layer.visible))
            action.setEnabled(points is not None and points.poses is not None)
            action.triggered.connect(lambda wanted, kind=kind: self._show_kind(kind, wanted))
        self.addSeparator()
        group = QActionGroup(self)
        for color_by in (LIKELIHOOD, BODY_PART):
            action = self._tick(f"Colour by {color_by}", self._looks.color_by == color_by)
            group.addAction(action)
            action.triggered.connect(lambda _=False, by=color_by: self._choose(color_by=by))
        self._tick("Names", self._looks.names).triggered.connect(
            lambda wanted: self._choose(names=wanted)
        )
        self.addSeparator()
        skeleton = self._tick("Skeleton", self._wants_skeleton and bool(self._skeleton()))
        skeleton.setEnabled(bool(self._skeleton()))
        skeleton.triggered.connect(self._show_skeleton)
        change = self.addAction("Change the skeleton …")
        change.setEnabled(bool(self._body_parts()))
        change.triggered.connect(self._change_skeleton)

    def _tick(self, text: str, is_on: bool) -> QAction:
        action = QAction(text, self)
        action.setCheckable(True)
        action.setChecked(is_on)
        self.addAction(action)
        return action

    # ---- what it does --------------------------------------------------------------------------

    def _show_kind(self, kind: str, wanted: bool) -> None:
        layers = self.controller.layers
        if layers is not None and kind in layers.points:
            layers.points[kind].layer.visible = wanted

    def _on_session(self) -> None:
        session = self.controller.session
        self._hidden = frozenset() if session is None else hidden_in(session.video.path)
        self._apply()

    def _on_visible(self) -> None:
        """Keep what a person hides, here or in napari's list, for the next time the video is opened."""
        session, layers = self.controller.session, self.controller.layers
        if session is None or layers is None:
            return
        shown = {kind: points for kind, points in layers.points.items() if points.poses is not None}
        hidden = self._hidden - shown.keys() | {
            kind for kind, points in shown.items() if not points.layer.visible
        }
        if hidden != self._hidden:
            self._hidden = hidden
            remember_hidden(session.video.path, hidden)
            self._apply()

    def _choose(self, **chosen: object) -> None:
        self._looks = replace(self._looks, **chosen)  # type: ignore[arg-type]
        settings().setValue("keypoint_colour", self._looks.color_by)
        settings().setValue("keypoint_names", "yes" if self._looks.names else "no")
        self._apply()

    def _show_skeleton(self, wanted: bool) -> None:
        self._wants_skeleton = wanted
        settings().setValue("keypoint_skeleton", "yes" if wanted else "no")
        self._apply()

    def _change_skeleton(self) -> None:
        parts, before = self._body_parts(), self._skeleton()
        text = self.ask_skeleton("\n".join(SEPARATOR.join(pair) for pair in before))
        if text is None:
            return
        try:
            bones = read_skeleton(text, parts)
        except CropzoomError as error:
            self._show_error(error)
            return
        kept = _own_skeletons()
        kept.pop(_key(parts), None)
        kept[_key(parts)] = [list(pair) for pair in bones]
        settings().setValue("skeletons", json.dumps(dict(list(kept.items())[-_KEPT:])))
        self._show_skeleton(True)

    def _ask_skeleton(self, before: str) -> str | None:
        example = SEPARATOR.join(self._body_parts()[:2])
        text, agreed = QInputDialog.getMultiLineText(
            self.parentWidget(),
            "Skeleton",
            f"One line for each two body parts to be joined, such as\n{example}\n\n"
            f"Body parts: {', '.join(self._body_parts())}",
            before,
        )
        return text if agreed else None

    # ---- the looks of the layers ---------------------------------------------------------------

    def _apply(self) -> None:
        layers = self.controller.layers
        if layers is not None:
            skeleton = self._skeleton() if self._wants_skeleton else ()
            looks = replace(self._looks, skeleton=skeleton, hidden=self._hidden)
            if looks != layers.looks:
                layers.looks = looks
            for points in layers.points.values():
                if points.layer not in self._watched:
                    self._watched.add(points.layer)
                    points.layer.events.visible.connect(self._on_visible)

    def _body_parts(self) -> tuple[str, ...]:
        session = self.controller.session
        found = [session.pose_poses, session.detector_poses] if session is not None else []
        return next((poses.names for poses in found if poses is not None), ())

    def _skeleton(self) -> Bones:
        """The one a person drew for these body parts, else the project's of a model that is chosen."""
        parts = self._body_parts()
        if not parts:
            return ()
        own = _own_skeletons().get(_key(parts))
        if isinstance(own, list):
            return tuple((str(pair[0]), str(pair[1])) for pair in own if len(pair) == 2)
        for model in (self.controller.pose, self.controller.detector):
            if model is not None:
                if model.path not in self._of_project:
                    self._of_project[model.path] = skeleton_of(model.path)
                if self._of_project[model.path]:
                    return self._of_project[model.path]
        return ()


def read_skeleton(text: str, parts: tuple[str, ...]) -> Bones:
    """Read lines such as ``nose - neck``.

    Raises
    ------
    CropzoomError
        If a line is not two different body parts.
    """
    bones = []
    for number, line in enumerate(text.splitlines(), 1):
        pair = [(a, b) for a in parts for b in parts if a != b and line.strip() == f"{a}{SEPARATOR}{b}"]
        if pair:
            bones.append(pair[0])
        elif line.strip():
            raise CropzoomError(
                f"Skeleton, line {number}: '{line.strip()[:60]}' is not two body parts with '{SEPARATOR}'"
                f" between them. This model has: {', '.join(parts)[:400]}."
            )
    return tuple(bones)


def _key(parts: tuple[str, ...]) -> str:
    return json.dumps(sorted(parts))


def _own_skeletons() -> dict[str, list[list[str]]]:
    try:
        kept = json.loads(str(settings().value("skeletons", "{}")))
    except ValueError:
        return {}
    return kept if isinstance(kept, dict) else {}
