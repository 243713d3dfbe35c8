"""Write a recording with the code of another program: `written_by_tools.py PROGRAM FOLDER`.

Run by `test_written_by_tools.py` in an environment that has these programs and not this package; what is
true is in `boxes.npy` in the folder: (T, A, 4) ``x, y, w, h``, NaN where an animal is absent.
"""

import sys
from pathlib import Path

import numpy as np

WIDTH, HEIGHT, FPS = 320, 240, 25.0
PROGRAM, FOLDER = sys.argv[1], Path(sys.argv[2])
BOXES = np.load(FOLDER / "boxes.npy")


def idtracker():
    from idtrackerai.utils.trajectories_io import save_trajectories

    centres = BOXES[..., :2] + BOXES[..., 2:] / 2
    animals = centres.shape[1]
    data = {
        "trajectories": centres,
        "id_probabilities": np.where(np.isnan(centres[..., :1]), np.nan, 0.98),
        "version": "6.0.14",
        "frames_per_second": FPS,
        "body_length": 33.5,
        "width": WIDTH,
        "height": HEIGHT,
        "video_paths": ["mouse.mp4"],
        "length_unit": None,
        "setup_points": {},
        "identities_labels": [str(each + 1) for each in range(animals)],
        "identities_groups": {},
        "areas": {name: np.full(animals, 300.0) for name in ("mean", "median", "std")},
        "stats": {"estimated_accuracy": 0.99},
    }
    save_trajectories(FOLDER, data, ["h5", "csv", "csv_tidy", "npy", "pickle"])


def ultralytics():
    import torch
    from ultralytics.engine.results import Results

    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for name, has_ids, save_conf in (
        ("plain", False, False),
        ("conf", False, True),
        ("ids", True, False),
        ("both", True, True),
    ):
        (FOLDER / name).mkdir()
        for frame, boxes in enumerate(BOXES):
            rows = []
            for place, (x, y, w, h) in enumerate(boxes):
                if not np.isnan(x):
                    ident = [place + 1] if has_ids else []
                    rows.append([x, y, x + w, y + h, *ident, 0.75, 0 if has_ids else place])
            found = torch.tensor(rows).reshape(-1, 7 if has_ids else 6)
            result = Results(image, "mouse.mp4", {0: "mouse", 1: "rat"}, boxes=found)
            result.save_txt(FOLDER / name / f"mouse_{frame + 1}.txt", save_conf=save_conf)


globals()[PROGRAM]()
