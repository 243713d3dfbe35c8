"""The process that draws: ``python -m napari_cropzoom.engine.drawing``."""

from __future__ import annotations

import os
import pickle
import sys

from napari_cropzoom.core.children import end_with_input, write_nothing
from napari_cropzoom.core.errors import brief
from napari_cropzoom.engine.drawing import SIZE


def main() -> None:
    """Draw in this process, which writes nothing but the video and why there is none."""
    size = int.from_bytes(sys.stdin.buffer.read(SIZE), "big")
    work = sys.stdin.buffer.read(size)
    end_with_input()
    says = os.dup(1)
    write_nothing()
    try:
        arguments = pickle.loads(work)
        from lightning_pose.utils.predictions import generate_labeled_video

        generate_labeled_video(*arguments)
    except Exception as error:
        os.write(says, brief(error).encode())
        raise


if __name__ == "__main__":
    main()
