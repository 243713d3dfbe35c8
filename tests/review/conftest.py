import pytest

from napari_cropzoom.review.session import Session
from napari_cropzoom.video.video import Video


@pytest.fixture
def session(video_path):
    session = Session(Video(video_path))
    yield session
    session.close()
