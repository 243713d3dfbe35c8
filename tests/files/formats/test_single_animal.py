"""Programs that write a single animal otherwise than several."""

import numpy as np

from napari_cropzoom.files.formats.importing import read_outside, recognise
from napari_cropzoom.files.formats.outside_rows import ImportOptions, VideoFacts

N = 20
VIDEO = VideoFacts("mouse.mp4", 320, 240, N, 25.0)


def test_idtracker_names_the_places_of_a_single_animal_otherwise(tmp_path):
    folder = tmp_path / "trajectories_csv"
    folder.mkdir()
    lines = ["time,trajectories1,trajectories2", *(f"{n / 25:.3f},{50 + n}.000,70.000" for n in range(N))]
    (folder / "trajectories.csv").write_text("\n".join(lines) + "\n")
    chances = ["time,id_probabilities1", *(f"{n / 25:.3f},9.800e-01" for n in range(N))]
    (folder / "id_probabilities.csv").write_text("\n".join(chances) + "\n")
    for path in (folder, folder / "trajectories.csv"):
        assert recognise(path).name == "idtracker"
        [track] = read_outside(path, VIDEO, ImportOptions(crop_size=20)).settled.tracks
        np.testing.assert_array_equal(track.boxes[:, 0], 40 + np.arange(N))
        np.testing.assert_allclose(track.confidence, 0.98)


def test_the_id_of_a_single_animal_is_no_confidence_of_yolo(tmp_path):
    for n in range(N):
        (tmp_path / f"mouse_{n + 1}.txt").write_text(f"0 0.{n + 10} 0.5 0.1 0.1 1\n")
    found = read_outside(tmp_path, VIDEO).settled
    assert [track.name for track in found.tracks] == ["animal_1"]
    assert np.isnan(found.tracks[0].confidence).all()
