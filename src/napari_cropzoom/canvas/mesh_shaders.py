"""Meshes that keep their shaders where only their vertices change.

napari draws shapes and vectors as vispy's meshes. A mesh with colours gets a new function that
returns the colour as it is with every change of its vertices, which vispy (to 0.17 at least) takes
for another shader: compiling it takes a quarter of a frame step where OpenGL is software. vispy has
no setting for it, so the function is remembered here, as vispy remembers the one beside it. Where
vispy has changed this does nothing.
"""

from __future__ import annotations

from functools import wraps
from typing import Any

from vispy.visuals import MeshVisual

_BUILDER = "_build_color_transform"
_kept: dict[str, Any] = {}


def keep_mesh_shaders() -> None:
    """Have vispy's meshes with colours, in this process, share the function that passes a colour on."""
    build = getattr(MeshVisual, _BUILDER, None)
    if build is None or hasattr(build, "__wrapped__"):
        return

    @wraps(build)
    def build_once(visual: MeshVisual, colors: Any) -> Any:
        if colors.ndim == 2 and colors.shape[1] == 1:  # values for a colormap, whose limits may change
            return build(visual, colors)
        if "pass" not in _kept:
            _kept["pass"] = build(visual, colors)
        return _kept["pass"]

    setattr(MeshVisual, _BUILDER, build_once)
