"""The legend of a narrow timeline, and what stands in for it where it has no room."""

import pytest
from qtpy.QtWidgets import QPushButton

from napari_cropzoom.core.looks import ANIMAL_COLORS
from napari_cropzoom.widgets.timeline.colors import DARK, STATE_WORDS
from napari_cropzoom.widgets.timeline.gutter import Gutter
from napari_cropzoom.widgets.timeline.legend import Legend, entries_of
from napari_cropzoom.widgets.timeline.plot import TimelinePlot


@pytest.fixture
def legend(qtbot):
    made = Legend()
    qtbot.addWidget(made)
    animals = {"animal": ANIMAL_COLORS[0], "a very long name of a mouse": ANIMAL_COLORS[1]}
    made.show_entries(entries_of(DARK, animals), DARK)
    return made


def test_swatches_stay_in_a_narrow_legend_and_words_beside_them(legend):
    one_line = legend.heightForWidth(10_000)
    assert one_line == legend.sizeHint().height()
    for width in (150, 300, 600):
        legend.resize(width, legend.heightForWidth(width))
        places = legend.swatches()
        assert len(places) == len(legend.entries) > 10
        assert legend.height() > one_line
        for words, place in places.items():
            room = width - place.right()
            assert room > legend.fontMetrics().horizontalAdvance(words), words
            assert 0 <= place.top() < place.bottom() <= legend.height()
        assert len({(place.left(), place.top()) for place in places.values()}) == len(places)


def test_one_animal_needs_no_name_and_several_do():
    words = [entry.words for entry in entries_of(DARK, {"animal": ANIMAL_COLORS[0]})]
    assert "animal" not in words
    two = [entry.words for entry in entries_of(DARK, {"a": ANIMAL_COLORS[0], "b": ANIMAL_COLORS[1]})]
    assert two == ["a", "b", *words]


def test_keypoints_of_detector_and_pose_can_be_told_apart(qtbot):
    made = Legend()
    qtbot.addWidget(made)
    made.show_entries(entries_of(DARK, {}), DARK)
    assert [entry.words for entry in made.entries][-2:] == ["detector's keypoint", "pose keypoint"]
    made.resize(2000, made.heightForWidth(2000))
    image = made.grab().toImage()
    darkest, brightest = {}, {}
    for words, place in list(made.swatches().items())[-2:]:
        rows = range(round(place.top()), round(place.bottom()))
        seen = [image.pixelColor(round(place.center().x()), row).lightness() for row in rows]
        darkest[words], brightest[words] = min(seen), max(seen)
    assert brightest["detector's keypoint"] > 200 > brightest["pose keypoint"]
    assert darkest["pose keypoint"] < 60 < darkest["detector's keypoint"]


def test_the_states_are_told_where_there_is_no_room_for_the_legend(qtbot):
    plot = TimelinePlot()
    gutter = Gutter(plot.rows.values())
    qtbot.addWidget(plot)
    qtbot.addWidget(gutter)
    gutter.set_colors(DARK)
    told = gutter.findChild(QPushButton, "timeline_row_review").toolTip()
    for state, word in STATE_WORDS.items():
        assert word in told
        assert DARK.states[state] in told
