"""Review bench for Lightning Pose's cropzoom pipeline; :func:`open_review` is the way in for scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_cropzoom.app import open_review

__all__ = ["open_review"]


def __getattr__(name: str) -> Any:
    """Import what opens a window only when it is asked for."""
    if name == "open_review":
        from napari_cropzoom.app import open_review

        return open_review
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
