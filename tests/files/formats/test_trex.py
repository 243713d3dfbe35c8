"""TRex as its code writes it: npz or CSV an animal, named fish or id, postures beside them."""

from __future__ import annotations

import numpy as np
import pytest

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.files.formats.importing import recognise
from outside_tables import VIDEO, read

N = VIDEO.n_frames
X, Y = np.linspace(5.0, 30.0, N), np.linspace(10.0, 20.0, N)
SCALE = 0.1


def npz(path, x=X, y=Y, **more):
    np.savez(
        path, frame=np.arange(N), missing=np.isinf(x), id=[0], cm_per_pixel=[SCALE],
        video_size=[640.0, 480.0], **{"X#wcentroid": x, "Y#wcentroid": y, "X": x, "Y": y}, **more,
    )  # fmt: skip


def csv(path, x=X, y=Y, header="frame,missing,SPEED#wcentroid (cm/s),X#wcentroid (cm),Y#wcentroid (cm)"):
    rows = [f"{frame},{int(np.isinf(x[frame]))},0.5,{x[frame]},{y[frame]}" for frame in range(N)]
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def gone(values):
    lost = values.copy()
    lost[3:5] = np.inf
    return lost


@pytest.mark.parametrize("prefix", ["fish", "id", "bee"])
def test_a_folder_of_npz_is_read_whatever_the_animals_are_called(tmp_path, prefix):
    npz(tmp_path / f"my_video_{prefix}0.npz", gone(X), gone(Y))
    npz(tmp_path / f"my_video_{prefix}1.npz", X + 5)
    np.savez(tmp_path / f"my_video_posture_{prefix}0.npz", frames=np.arange(N))
    np.savez(tmp_path / f"my_video_recognition_{prefix}0.npz", frames=np.arange(N))
    csv(tmp_path / f"my_video_{prefix}0.csv")
    assert recognise(tmp_path).name == "trex"
    tracks = read(tmp_path, crop_size=40).settled.tracks
    assert [track.name for track in tracks] == [f"{prefix}0", f"{prefix}1"]
    assert np.flatnonzero(tracks[0].is_missing).tolist() == [3, 4]
    np.testing.assert_allclose(tracks[1].boxes[:, 0] + 20, (X + 5) / SCALE)


def test_a_csv_is_read_alone_and_in_a_folder_with_the_size_of_a_pixel(tmp_path):
    path = csv(tmp_path / "v_id0.csv", gone(X), gone(Y))
    csv(tmp_path / "v_id1.csv", X + 5)
    assert recognise(path).name == "trex"
    with pytest.raises(CropzoomError, match="--cm_per_pixel"):
        read(path, crop_size=40)
    [track] = read(path, crop_size=40, cm_per_pixel=SCALE).settled.tracks
    assert track.name == "id0"
    assert np.flatnonzero(track.is_missing).tolist() == [3, 4]
    known = ~track.is_missing
    np.testing.assert_allclose(track.boxes[known, :2] + 20, np.column_stack([X, Y])[known] / SCALE)
    both = read(tmp_path, crop_size=40, cm_per_pixel=SCALE).settled.tracks
    assert [each.name for each in both] == ["id0", "id1"]


def test_a_csv_without_y_and_with_words_says_so(tmp_path):
    path = csv(
        tmp_path / "v_id0.csv", header="frame,missing,SPEED#wcentroid (cm/s),X#wcentroid (cm),Z (cm)"
    )
    with pytest.raises(CropzoomError, match="Add X and Y to output_fields"):
        read(path, crop_size=40, cm_per_pixel=SCALE)
    path = csv(tmp_path / "v_id1.csv")
    path.write_text(path.read_text().replace("\n4,0,0.5,", "\n4,0,0.5,?"))
    with pytest.raises(CropzoomError, match=r"line 6: 'X#wcentroid \(cm\)' is"):
        read(path, crop_size=40, cm_per_pixel=SCALE)
