"""Which videos are one recording: as Lightning Pose has it where the views are known."""

import logging
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from lightning_pose.utils import io

from napari_cropzoom.core.recordings import by_session, is_named_for, session_of, view_of

logging.getLogger("lightning_pose.utils.io").setLevel(logging.ERROR)  # it warns of each name

VIEWS = ["left", "top", "cam1", "cam10"]
NAMES = st.lists(
    st.lists(
        st.sampled_from(["s1", "left", "top", "cam1", "cam10", "x"]), min_size=1, max_size=3
    ).flatmap(
        lambda words: st.sampled_from(["_", "-", ""]).map(lambda between: between.join(words) + ".mp4")
    ),
    max_size=8,
    unique=True,
)


@settings(max_examples=100, deadline=None)
@given(NAMES, st.lists(st.sampled_from(VIEWS), min_size=2, max_size=4, unique=True))
def test_sessions_and_views_are_those_of_lightning_pose(names, views):
    videos = [Path("a", name) for name in names]
    for video in videos:
        assert session_of(video.stem, views) == io.extract_session_name_from_video(video.name, views)
        assert view_of(video.stem, views) == io.extract_view_name_from_video(video.name, views)
    ours = by_session(videos, views).values()
    whole = [[each[view] for view in views] for each in ours if set(each) == set(views)]
    assert whole == io.split_video_files_by_view(videos, views)
    for recording in whole:
        ends = [[is_named_for(video.stem, view) for video in recording].count(True) for view in views]
        try:
            io.collect_video_files_by_view(recording, views)
        except ValueError:
            assert ends != [1] * len(views)
        else:
            assert ends == [1] * len(views)
