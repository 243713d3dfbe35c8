"""``python -m napari_cropzoom.cli``."""

import sys

from napari_cropzoom.cli import main

sys.exit(main())
