"""What a file leaves open is proved by its numbers, said, or asked for; never guessed without a word."""

from __future__ import annotations

import json

import numpy as np
import pytest

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.files.formats.outside_rows import VideoFacts
from outside_tables import boxes_of, read, rows, write

# -- the first frame


def test_frames_from_1_are_proved_by_a_frame_as_high_as_their_count(tmp_path):
    path = write(
        tmp_path, rows("frame,x,y,w,h", [(frame, 10 * frame, 20, 30, 40) for frame in (1, 5, 10)])
    )
    found = read(path)
    assert found.settled.first_frame == 1
    assert np.flatnonzero(~np.isnan(boxes_of(found)[:, 0])).tolist() == [0, 4, 9]


def test_frames_from_1_to_the_last_but_one_are_asked_for(tmp_path):
    path = write(tmp_path, rows("frame,x,y,w,h", [(frame, 10, 20, 30, 40) for frame in range(1, 10)]))
    with pytest.raises(CropzoomError, match=r"--first_frame 0 or --first_frame 1"):
        read(path)
    for first in (0, 1):
        boxes = boxes_of(read(path, first_frame=first))
        assert np.isnan(boxes[0, 0]) == (first == 0)


def test_frames_from_a_later_one_are_taken_from_0_with_a_word(tmp_path):
    path = write(tmp_path, rows("frame,x,y,w,h", [(4, 10, 20, 30, 40)]))
    found = read(path)
    assert not np.isnan(boxes_of(found)[4, 0])
    assert "--first_frame 1" in found.notes[0]


def test_a_frame_beyond_the_video_is_named(tmp_path):
    path = write(tmp_path, rows("frame,x,y,w,h", [(0, 10, 20, 30, 40), (10, 10, 20, 30, 40)]))
    with pytest.raises(
        CropzoomError, match=r"there is no frame 10: v\.mp4 has 10 frames, here numbered 0 to 9"
    ):
        read(path)


def test_a_first_frame_that_was_given_wrongly_is_told_which_would_do(tmp_path):
    path = write(tmp_path, rows("frame,x,y,w,h", [(frame, 10, 20, 30, 40) for frame in range(1, 11)]))
    with pytest.raises(CropzoomError, match=r"They fit .*: give --first_frame 1 instead\.$"):
        read(path, first_frame=0)
    path = write(tmp_path, rows("frame,x,y,w,h", [(frame, 10, 20, 30, 40) for frame in range(10)]))
    with pytest.raises(CropzoomError, match=r"give --first_frame 0 instead\.$"):
        read(path, first_frame=1)
    path = write(tmp_path, rows("frame,x,y,w,h", [(frame, 10, 20, 30, 40) for frame in range(20)]))
    with pytest.raises(CropzoomError, match=r"Give the boxes of this very video\.$"):
        read(path, first_frame=0)


def test_mot_with_a_frame_0_is_taken_from_0_with_a_word(tmp_path):
    path = write(tmp_path, "0,1,10,20,30,40,0.5,-1,-1,-1\n4,1,10,20,30,40,0.5,-1,-1,-1\n", "a.txt")
    found = read(path)
    assert found.settled.first_frame == 0
    assert "has a frame 0" in found.notes[0]


def test_yolo_is_taken_from_1_with_a_word_where_nothing_proves_it(tmp_path):
    folder = tmp_path / "labels"
    folder.mkdir()
    write(folder, "0 0.5 0.5 0.1 0.2 0.8\n", "v_3.txt")
    found = read(folder)
    assert not np.isnan(boxes_of(found)[2, 0])
    assert "--first_frame 0" in " ".join(found.notes)
    np.testing.assert_allclose(boxes_of(found)[2], [288, 192, 64, 96])


# -- corner or centre, pixels or fractions


def test_centres_are_proved_where_corners_would_leave_the_frame(tmp_path):
    values = [(frame, 600 - frame, 240, 100, 80) for frame in range(10)]
    found = read(write(tmp_path, rows("frame,x,y,w,h", values)))
    assert found.settled.corner == "centre"
    assert "centre" in found.notes[0]
    np.testing.assert_allclose(boxes_of(found)[0], [550, 200, 100, 80])


def test_corners_are_usual_and_overruled(tmp_path):
    path = write(tmp_path, rows("frame,x,y,w,h", [(frame, 300, 240, 100, 80) for frame in range(10)]))
    np.testing.assert_allclose(boxes_of(read(path))[0], [300, 240, 100, 80])
    np.testing.assert_allclose(boxes_of(read(path, "centre"))[0], [250, 200, 100, 80])


ANYWHERE = [(frame, 300, 240, 100, 80) for frame in range(10)]
CORNERS = [(frame, 300, 240, 400, 320) for frame in range(10)]


def test_corners_that_could_be_centres_are_assumed_with_a_word(tmp_path):
    found = read(write(tmp_path, rows("frame,x,y,w,h", ANYWHERE)))
    assert "boxes: x, y are taken as the top-left corner, in pixels" in found.told()
    [note] = found.notes
    assert note.startswith("boxes.csv: that x, y are the top-left corner is assumed")
    assert note.endswith("give --format centre")


@pytest.mark.parametrize(
    ("header", "values", "format_name"),
    [
        ("frame,x,y,w,h", ANYWHERE, "centre"),
        ("frame,x,y,w,h", [*ANYWHERE[:9], (9, -60, 20, 100, 80)], None),
        ("frame,left,top,w,h", ANYWHERE, None),
        (",x,y,h,w", ANYWHERE, None),
        ("frame,x1,y1,x2,y2", CORNERS, None),
    ],
    ids=["overruled", "proved", "left", "litpose", "corners"],
)
def test_what_is_said_or_proved_is_not_assumed(tmp_path, header, values, format_name):
    found = read(write(tmp_path, rows(header, values)), format_name)
    assert found.notes == ()
    assert "taken as" not in " ".join(found.told())


def test_two_corners_are_no_centres(tmp_path):
    path = write(tmp_path, rows("frame,x1,y1,x2,y2", CORNERS))
    with pytest.raises(CropzoomError, match=r"has two corners of each box.*Leave out --format centre"):
        read(path, "centre")


@pytest.mark.parametrize(
    "header", ["frame,cx,cy,w,h", "Frame;x_center;y_center;width;height", "frame\txc\tyc\tw\th"]
)
def test_columns_that_say_centre_are_believed(tmp_path, header):
    mark = next(each for each in ";\t," if each in header)
    text = rows(header, [(frame, 300, 240, 100, 80) for frame in range(10)])
    found = read(write(tmp_path, header + text.removeprefix(header).replace(",", mark)))
    np.testing.assert_allclose(boxes_of(found)[0], [250, 200, 100, 80])


def test_fractions_are_proved_said_and_can_be_overruled(tmp_path):
    path = write(
        tmp_path, rows("frame,x,y,w,h", [(frame, 0.25, 0.5, 0.125, 0.25) for frame in range(10)])
    )
    found = read(path)
    np.testing.assert_allclose(boxes_of(found)[0], [160, 240, 80, 120])
    assert "fractions of the frame" in found.notes[0]
    assert "multiplied" not in " ".join(read(path, "fraction").notes)


@pytest.mark.parametrize(
    "header",
    ["xtl,ytl,xbr,ybr", "xmin,ymin,xmax,ymax", "x0,y0,x1,y1", "x1,y1,x2,y2", "left,top,right,bottom"],
)
def test_two_corners_are_read_by_any_usual_name(tmp_path, header):
    found = read(
        write(tmp_path, rows(f"frame,{header}", [(frame, 10, 20, 40, 60) for frame in range(10)]))
    )
    np.testing.assert_allclose(boxes_of(found)[3], [10, 20, 30, 40])


def test_rows_are_frames_only_where_they_are_as_many(tmp_path):
    path = write(tmp_path, rows("x,y,w,h", [(frame, 20, 30, 40) for frame in range(10)]))
    assert boxes_of(read(path))[:, 0].tolist() == list(range(10))
    path = write(tmp_path, rows("x,y,w,h", [(frame, 20, 30, 40) for frame in range(9)]))
    with pytest.raises(CropzoomError, match="Add a column frame"):
        read(path)


def test_the_table_of_litpose_is_one_of_these(tmp_path):
    path = write(tmp_path, rows(",x,y,h,w", [(frame, 5, 6, 40, 30) for frame in range(10)]))
    np.testing.assert_allclose(boxes_of(read(path))[9], [5, 6, 30, 40])


# -- animals, gaps, two boxes of one


def test_animals_are_chosen_by_name(tmp_path):
    values = [(frame, name, x, 20, 30, 40) for frame in range(10) for name, x in (("a", 5), ("b", 50))]
    path = write(tmp_path, rows("frame,id,x,y,w,h", values))
    assert [track.name for track in read(path).settled.tracks] == ["a", "b"]
    [track] = read(path, tracks=("b",)).settled.tracks
    assert (track.boxes[:, 0] == 50).all()
    with pytest.raises(CropzoomError, match=r"has no animal 'c'. It has: a, b"):
        read(path, tracks=("c",))


def test_hundreds_of_ids_are_refused_unless_some_are_chosen(tmp_path):
    text = "".join(f"{1 + place % 10},{place},10,20,30,40,1,-1,-1,-1\n" for place in range(1, 301))
    path = write(tmp_path, text, "a.txt")
    with pytest.raises(CropzoomError, match=r"has 300 animals .*--track NAME"):
        read(path)
    assert [track.name for track in read(path, tracks=("7", "animal_9")).settled.tracks] == [
        "animal_7",
        "animal_9",
    ]


def test_gaps_stay_missing_and_are_told(tmp_path):
    path = write(
        tmp_path, rows("frame,x,y,w,h", [(0, 10, 20, 30, 40), (1, "", "", "", ""), (9, 10, 20, 30, 40)])
    )
    found = read(path)
    assert np.isnan(boxes_of(found)[1:9]).all()
    assert "missing in 1 to 8" in found.told()[-1]


def test_the_likelier_of_two_boxes_is_taken_where_few_frames_have_two(tmp_path):
    video = VideoFacts("v.mp4", 640, 480, 30, 30.0)
    values = [(frame, 10, 20, 30, 40, 0.9) for frame in range(30)]
    path = write(tmp_path, rows("frame,x,y,w,h,score", [*values, (7, 99, 20, 30, 40, 0.95)]))
    found = read(path, video=video)
    assert boxes_of(found)[7, 0] == 99
    assert found.settled.tracks[0].confidence[7] == 0.95
    assert "frame 7 has two boxes" in found.notes[0]


def test_two_boxes_a_frame_without_ids_are_refused(tmp_path):
    values = [(frame, x, 20, 30, 40, 0.9) for frame in range(10) for x in (10, 99)]
    with pytest.raises(CropzoomError, match=r"frame 0 has two boxes .*Export tracks with an id"):
        read(write(tmp_path, rows("frame,x,y,w,h,score", values)))


# -- points and keypoints


def test_points_ask_for_a_size_in_one_line(tmp_path):
    path = write(tmp_path, rows("frame,x,y", [(frame, 100, 200) for frame in range(10)]))
    with pytest.raises(CropzoomError, match=r"has one point an animal and no boxes\. .* --crop_size N"):
        read(path)
    with pytest.raises(CropzoomError, match=r"--crop_size N"):
        read(path, crop_ratio=2.0)
    np.testing.assert_allclose(boxes_of(read(path, crop_size=61))[0], [69, 169, 62, 62])


def test_boxes_take_no_other_size(tmp_path):
    path = write(tmp_path, rows("frame,x,y,w,h", [(0, 10, 20, 30, 40)]))
    with pytest.raises(CropzoomError, match="boxes of their own size"):
        read(path, crop_size=50)


def test_the_folder_of_idtracker_brings_names_chances_and_the_length_of_the_body(tmp_path):
    session = tmp_path / "session_v"
    folder = session / "trajectories" / "without_gaps_csv"
    folder.mkdir(parents=True)
    header = "time,x1,y1,x2,y2"
    write(
        folder,
        rows(header, [(frame / 30, 100, 200, "nan", "nan") for frame in range(10)]),
        "trajectories.csv",
    )
    chances = rows(
        "time,id_probabilities1,id_probabilities2", [(frame / 30, 0.75, 0) for frame in range(10)]
    )
    write(folder, chances, "id_probabilities.csv")
    about = {"identities_labels": ["red", "blue"], "body_length": 40.0, "width": 640, "height": 480}
    write(folder, json.dumps(about), "attributes.json")
    found = read(session, crop_ratio=1.5)
    [track] = found.settled.tracks
    assert track.name == "red"
    np.testing.assert_allclose(track.boxes[0], [70, 170, 60, 60])
    assert track.confidence[0] == 0.75
    write(folder, json.dumps({**about, "width": 1280}), "attributes.json")
    with pytest.raises(CropzoomError, match="was tracked in frames of 1280 x 480"):
        read(session, crop_ratio=1.5)


def test_the_csv_of_idtracker_by_itself_says_where_the_length_of_the_body_is(tmp_path):
    path = write(tmp_path, rows("time,x1,y1", [(f / 30, 100, 200) for f in range(10)]), "my.csv")
    with pytest.raises(
        CropzoomError, match=r"lacks the length of the body.*folder.*--crop_size N"
    ) as raised:
        read(path, crop_ratio=1.5)
    assert str(raised.value).count(str(path)) == 1
    np.testing.assert_allclose(boxes_of(read(path, crop_size=60))[0], [70, 170, 60, 60])


def test_the_tidy_table_of_idtracker_is_read_as_points(tmp_path):
    values = [(f, f / 30, i, 100 + 50 * i, 200, 0.5) for f in range(10) for i in range(2)]
    found = read(write(tmp_path, rows("frame,time,individual,x,y,probability", values)), crop_size=40)
    assert [track.boxes[0].tolist() for track in found.settled.tracks] == [
        [80, 180, 40, 40],
        [130, 180, 40, 40],
    ]
    assert found.settled.tracks[1].confidence[3] == 0.5


def test_cm_need_the_size_of_a_pixel(tmp_path):
    path = tmp_path / "v_fish0.npz"
    np.savez(
        path, frame=np.arange(10), X=np.full(10, 5.0), Y=np.full(10, 6.0), missing=np.arange(10) == 3
    )
    with pytest.raises(CropzoomError, match="--cm_per_pixel"):
        read(path, crop_size=40)
    boxes = boxes_of(read(path, crop_size=40, cm_per_pixel=0.05))
    np.testing.assert_allclose(boxes[0], [80, 100, 40, 40])
    assert np.isnan(boxes[3]).all()
    with pytest.raises(
        CropzoomError, match=r"100% of the places lie outside .*--cm_per_pixel C .*0\.005"
    ):
        read(path, crop_size=40, cm_per_pixel=0.005)
    [note] = read(path, crop_size=4, cm_per_pixel=0.1).notes
    assert "first 50 x 60 pixels of the frame, so the cm per pixel may be wrong" in note


# -- masks as runs


def test_masks_of_coco_become_boxes(tmp_path):
    mask = np.zeros((480, 640), bool)
    mask[100:130, 200:240] = True
    flat = np.concatenate([[False], mask.T.ravel(), [False]]).astype(np.int8)
    edges = np.flatnonzero(np.diff(flat)).tolist()
    counts = np.diff([0, *edges, mask.size]).tolist()
    segmentations = [{"size": [480, 640], "counts": counts}, [[200, 100, 240, 100, 240, 130, 200, 130]]]
    content = {
        "images": [{"id": 7, "file_name": "0.png"}, {"id": 8, "file_name": "1.png"}],
        "annotations": [
            {"image_id": 7 + place, "category_id": 1, "segmentation": each}
            for place, each in enumerate(segmentations)
        ],
    }
    boxes = boxes_of(read(write(tmp_path, json.dumps(content), "a.json")))
    np.testing.assert_allclose(boxes[:2], [[200, 100, 40, 30]] * 2)


def test_runs_as_text_are_those_of_pycocotools():
    from napari_cropzoom.files.formats.outside.coco import _box_of_runs

    # pycocotools.mask.encode of a mask of 480 x 640 that is set in rows 100 to 129, columns 200 to 239
    text = "Tkm2n0R>" + 77 * "0" + r"l\k5"
    assert _box_of_runs({"size": [480, 640], "counts": text}) == [200.0, 100.0, 40.0, 30.0]
