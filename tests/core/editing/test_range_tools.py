import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_cropzoom.core.boxes import Box, BoxTrack, Review, Source
from napari_cropzoom.core.editing import edits
from napari_cropzoom.core.editing import range_tools as tools
from napari_cropzoom.core.editing.range_tools import RANGE_TOOLS
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.looks import source_word

N = 60


def new_track():
    """An animal that goes 4 px right and 2 px down a frame, in boxes of 40 x 40."""
    t = np.arange(N)
    return BoxTrack(np.column_stack([4.0 * t, 2.0 * t, np.full(N, 40), np.full(N, 40)]))


def do(track, edit):
    edit.apply({track.name: track})
    return track


def set_box(track, frame, *box):
    return do(track, edits.set_box(track, frame, Box(*box)))


def test_interpolating_without_an_anchor_goes_from_the_box_before_to_the_box_after():
    track = new_track()
    boxes = track.raw.copy()
    boxes[20:30] += [300, 0, 50, 50]
    track = do(BoxTrack(boxes), tools.interpolate(BoxTrack(boxes), 20, 29))
    np.testing.assert_allclose(track.boxes, new_track().boxes)
    assert (track.source[20:30] == Source.INTERPOLATED).all()
    assert (track.review[20:30] == Review.EDITED).all()
    assert (track.review[[19, 30]] == Review.UNSEEN).all()


def test_interpolating_goes_through_every_anchor_and_moves_none():
    track = new_track()
    set_box(track, 10, 100, 100, 60, 60)
    set_box(track, 20, 150, 90, 50, 50)
    do(track, tools.interpolate(track, 5, 30))
    assert track.box(10) == Box(100, 100, 60, 60)
    assert track.box(20) == Box(150, 90, 50, 50)
    assert track.manual_frames().tolist() == [10, 20]
    widths = track.boxes[5:31, 2]
    assert (np.diff(widths[:6]) > 0).all()
    assert widths.max() == 60  # no overshoot


def test_interpolating_at_the_end_of_the_video_holds():
    track = new_track()
    do(track, tools.interpolate(track, 50, N - 1))
    np.testing.assert_array_equal(track.boxes[50:], np.tile(track.boxes[49], (10, 1)))


def test_tools_that_need_a_box_say_so():
    track = BoxTrack(np.full((N, 4), np.nan))
    with pytest.raises(CropzoomError, match="draw one"):
        tools.interpolate(track, 5, 9)
    with pytest.raises(CropzoomError, match="no box before frame 5"):
        tools.hold(track, 5, 9)
    with pytest.raises(CropzoomError, match="No box was corrected"):
        tools.carry_correction(new_track(), 5, 9)
    with pytest.raises(CropzoomError, match="Frame 4 has no box"):
        tools.copy_from(track, 5, 4)
    with pytest.raises(CropzoomError, match="no box near"):
        tools.usual_size(track, 5, 9)
    with pytest.raises(CropzoomError, match="have no box"):
        tools.shift(track, 5, 9, 1, 1)


def test_one_frame_is_called_a_frame():
    nothing = BoxTrack(np.full((N, 4), np.nan))
    makers = [
        lambda: tools.interpolate(nothing, 5, 5),
        lambda: tools.carry_correction(new_track(), 5, 5),
        lambda: tools.usual_size(nothing, 5, 5),
        lambda: tools.shift(nothing, 5, 5, 1, 1),
        lambda: edits.fill_gap(new_track(), 5, 5, "hold"),
    ]
    for make in makers:
        with pytest.raises(CropzoomError, match=r"(?i)frame 5") as told:
            make()
        assert "to 5" not in str(told.value)
        assert "have" not in str(told.value)


def test_holding_takes_the_box_before_and_then_each_anchor():
    track = set_box(new_track(), 25, 7, 7, 40, 40)
    do(track, tools.hold(track, 20, 29))
    np.testing.assert_array_equal(track.boxes[20:25], np.tile(track.raw[19], (5, 1)))
    np.testing.assert_array_equal(track.boxes[25:30], np.tile([7.0, 7, 40, 40], (5, 1)))


def test_a_correction_is_carried_along_the_motion_of_the_detector():
    raw = new_track().raw.copy()
    raw[20:40, :2] += 90  # on something that moves with the animal
    track = set_box(BoxTrack(raw), 20, *new_track().raw[20])
    do(track, tools.carry_correction(track, 20, 39))
    np.testing.assert_allclose(track.boxes, new_track().boxes)


def test_a_correction_fades_from_anchor_to_anchor():
    raw = new_track().raw.copy()
    raw[20:41, 0] += np.linspace(0, 200, 21)  # drifts away
    track = BoxTrack(raw)
    for frame in (20, 40):
        set_box(track, frame, *new_track().raw[frame])
    do(track, tools.carry_correction(track, 20, 40))
    np.testing.assert_allclose(track.boxes, new_track().boxes, atol=1e-9)


@pytest.mark.parametrize("leaves", [True, False])
def test_a_correction_eases_in_from_the_end_that_is_far_from_the_anchor(leaves):
    raw = new_track().raw.copy()
    ramp = np.linspace(0, 120, 22)[1:-1]  # nothing just outside one end of the frames 20 to 39
    raw[20:40, 0] += ramp if leaves else ramp[::-1]
    track = BoxTrack(raw)
    frame = 39 if leaves else 20
    set_box(track, frame, *new_track().raw[frame])
    do(track, tools.carry_correction(track, 20, 39, ease=True))
    np.testing.assert_allclose(track.boxes, new_track().boxes, atol=1)
    plain = BoxTrack(raw)
    set_box(plain, frame, *new_track().raw[frame])
    do(plain, tools.carry_correction(plain, 20, 39))
    assert np.abs(plain.boxes - new_track().boxes).max() > 50


def test_a_size_correction_is_a_factor():
    raw = new_track().raw.copy()
    raw[20:40, :2] -= 20
    raw[20:40, 2:] *= 2
    track = set_box(BoxTrack(raw), 25, *new_track().raw[25])
    do(track, tools.carry_correction(track, 20, 39))
    np.testing.assert_allclose(track.boxes, new_track().boxes, atol=1e-9)


def test_size_shift_scale_and_copy():
    track = new_track()
    do(track, tools.set_size(track, 5, 6, 20, 10))
    assert track.box(5) == Box(4 * 5 + 10, 2 * 5 + 15, 20, 10)
    assert tools.usual_size(track, 5, 6) == (40, 40)
    do(track, tools.shift(track, 5, 6, -3, 2))
    assert track.box(6) == Box(4 * 6 + 7, 2 * 6 + 17, 20, 10)
    assert (track.source[5:7] == Source.INTERPOLATED).all()
    do(track, tools.shift(track, 7, 7, 2, 0))  # one box alone, as if it had been dragged
    assert (track.source[7], track.review[7]) == (Source.MANUAL, Review.EDITED)
    assert [source_word(track, frame) for frame in (4, 6, 7)] == ["detected", "corrected", "set by hand"]
    do(track, tools.scale(track, 8, 8, 1.5))
    assert track.box(8) == Box(4 * 8 - 10, 2 * 8 - 10, 60, 60)
    do(track, tools.copy_from(track, 9, 8))
    assert track.box(9) == track.box(8)
    assert track.source[9] == Source.MANUAL
    with pytest.raises(CropzoomError, match="no area"):
        tools.set_size(track, 5, 6, 0, 10)
    with pytest.raises(CropzoomError, match="greater than 0"):
        tools.scale(track, 5, 6, 0)


def test_absent_frames_have_no_box():
    track = do(new_track(), tools.mark_absent(new_track(), 5, 9))
    assert track.is_missing[5:10].all()
    assert (track.source[5:10] == Source.ABSENT).all()


def test_swapping_twice_is_nothing():
    a, b = new_track(), BoxTrack(new_track().raw + 100, "other")
    tracks = {a.name: a, b.name: b}
    set_box(a, 12, 1, 1, 10, 10)
    before = a.snapshot(0, N - 1), b.snapshot(0, N - 1)
    edit = tools.swap(a, b, 10, N - 1)
    edit.apply(tracks)
    assert b.box(12) == Box(1, 1, 10, 10)
    assert b.manual_frames().tolist() == [12]
    np.testing.assert_array_equal(a.boxes[10:], b.raw[10:])
    np.testing.assert_array_equal(a.boxes[:10], a.raw[:10])
    edit.inverse().apply(tracks)
    assert (a.snapshot(0, N - 1), b.snapshot(0, N - 1)) == before
    with pytest.raises(CropzoomError, match="another track"):
        tools.swap(a, a, 0, 1)


ranges = st.tuples(st.integers(0, N - 1), st.integers(0, N - 1)).map(sorted)


@given(ranges, st.sets(st.integers(0, N - 1), max_size=6), st.sets(st.integers(0, N - 1), max_size=30))
@settings(max_examples=100, deadline=None)
def test_no_tool_moves_a_manual_box_or_anything_outside_its_range(span, anchors, gaps):
    first, last = span
    for tool in (tools.interpolate, tools.hold, tools.carry_correction):
        raw = new_track().raw.copy()
        raw[list(gaps)] = np.nan
        track = BoxTrack(raw)
        for frame in anchors:
            set_box(track, frame, frame, 3, 30, 30)
        before = track.boxes.copy()
        try:
            edit = tool(track, first, last)
        except CropzoomError:
            continue
        do(track, edit)
        outside = np.ones(N, bool)
        outside[first : last + 1] = False
        np.testing.assert_array_equal(track.boxes[outside], before[outside])
        for frame in anchors:
            assert track.box(frame) == Box(frame, 3, 30, 30)
        do(track, edit.inverse())
        np.testing.assert_array_equal(track.boxes, before)


def test_every_tool_of_the_table_names_itself_and_makes_an_edit_of_the_range():
    track = BoxTrack(np.column_stack([np.arange(40.0), np.arange(40.0), np.full((40, 2), 30.0)]))
    edits.set_box(track, 12, Box(20, 25, 30, 30)).apply({"animal": track})
    for keys in ("name", "key"):
        given = [getattr(tool, keys) for tool in RANGE_TOOLS if getattr(tool, keys)]
        assert len(given) == len(set(given))
    for tool in RANGE_TOOLS:
        assert tool.help
        assert tool.key or tool.label
        assert all(number.low <= number.usual <= number.high for number in tool.numbers)
        before = track.snapshot(0, 39)
        edit = tool.make(track, 12, 10, 15, *(number.usual for number in tool.numbers))
        assert edit.label
        assert track.snapshot(0, 39) == before
        edit.apply({"animal": track})
        edit.inverse().apply({"animal": track})
        assert track.snapshot(0, 39) == before


@pytest.mark.parametrize("tool", [tool for tool in RANGE_TOOLS if tool.label], ids=lambda tool: tool.name)
def test_button_and_help_of_a_tool_use_the_same_word(tool):
    word = tool.label.strip(" ◀▶").casefold()
    assert tool.help.casefold().startswith(word)


def test_what_the_tools_have_done_is_called_as_their_buttons():
    track = new_track()
    set_box(track, 4, 30, 30, 20, 20)
    named = {tool.name: tool for tool in RANGE_TOOLS}
    labels = {
        name: named[name].edit(track, 4, 3, 6).label
        for name in ("interpolate", "carry on", "ease in", "hold", "absent")
    }
    assert labels == {
        "interpolate": "interpolate frames 3 to 6",
        "carry on": "correct all of frames 3 to 6",
        "ease in": "correct drift in frames 3 to 6",
        "hold": "hold the box over frames 3 to 6",
        "absent": "no animal in frames 3 to 6",
    }
