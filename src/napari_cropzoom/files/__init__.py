"""Our own files: tables of boxes and keypoints, journals, records."""
