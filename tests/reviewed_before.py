"""A video that was reviewed before, and what is known of that, for the tests of opening it again."""

import numpy as np
from qtpy.QtCore import QSettings

from lpmodels import make_predictions_folder
from napari_cropzoom.core.boxes import Box
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.files.bbox_csv import write_bbox_csv
from napari_cropzoom.files.review_paths import PLACES
from napari_cropzoom.files.user_data import user_data_folder
from napari_cropzoom.review.session import Session
from napari_cropzoom.video.video import Video
from videos import make_numbered_video

N = 12
SIZE = (160, 120)


def forget_everything(folder):
    """Another computer, or another person: only what lies beside the files is known."""
    QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, str(folder))
    (user_data_folder() / PLACES).unlink(missing_ok=True)


def review(video, raw_csv, saved=True):
    """Two boxes set by hand and three frames accepted, without a window."""
    session = Session(Video(video))
    session.load_boxes(raw_csv)
    session.set_box(4, Box(30, 30, 20, 20))
    session.accept(6, 8)
    session.set_box(9, Box(30, 30, 20, 20))
    if saved:
        session.save()
    session.close()


def make_video(tmp_path):
    (tmp_path / "project" / "videos").mkdir(parents=True)
    return make_numbered_video(tmp_path / "project" / "videos" / "v.mp4", N, size=SIZE)


def make_detector(tmp_path, video_file):
    xy = np.tile([[50.0, 50], [70, 60]], (N, 1, 1))
    poses = Poses(("nose", "tail"), xy, np.ones((N, 2)))
    folder = make_predictions_folder(tmp_path / "project" / "models" / "detector", video_file, poses)
    write_bbox_csv(folder / "video_preds" / "v_bbox.csv", np.tile([40.0, 35, 40, 40], (N, 1)))
    return folder
