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


def datumaro():
    from datumaro import Dataset, DatasetItem
    from datumaro.components.annotation import Bbox
    from datumaro.components.media import Image

    image = Image.from_numpy(np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    items = []
    for frame, boxes in enumerate(BOXES):
        found = [
            Bbox(*box, label=0, id=place, attributes={"track_id": place})
            for place, box in enumerate(boxes.tolist(), 1)
            if box[0] == box[0]
        ]
        name = f"mouse_{frame:04d}"
        items.append(DatasetItem(name, subset="train", media=image, annotations=found))
    for kind in ("mot_seq_gt", "coco"):
        Dataset.from_iterable(items, categories=["mouse"]).export(FOLDER / kind, kind, save_media=False)


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


def ultralytics_exports():
    """Networks exported as ONNX, and the boxes that Ultralytics itself has of them."""
    import torch
    import yaml
    from ultralytics import YOLO
    from ultralytics.utils import ROOT

    torch.manual_seed(3)
    image = np.random.default_rng(3).integers(0, 256, (120, 160, 3), np.uint8).repeat(2, 0).repeat(2, 1)
    np.save(FOLDER / "image.npy", image)
    few = {"nms": True, "max_det": 20}
    for name, kind, task, options in (
        ("plain", "yolov8", "detect", {}),
        ("nms", "yolov8", "detect", {"nms": True}),
        ("few", "yolov8", "detect", few),
        ("many", "yolov8", "detect", {"nms": True, "max_det": 400}),
        ("masks", "yolov8-seg", "segment", few),
        ("poses", "yolov8-pose", "pose", few),
        ("turned", "yolov8-obb", "obb", {}),
    ):
        config = yaml.safe_load((ROOT / "cfg" / "models" / "v8" / f"{kind}.yaml").read_text())
        config = {**config, "nc": 1, "scales": {"n": [0.33, 0.125, 1024]}}
        (FOLDER / "yolov8n.yaml").write_text(yaml.safe_dump(config))
        model = YOLO(FOLDER / "yolov8n.yaml", task=task)
        head = model.model.model[-1]
        for box, chance in zip(
            head.cv2, head.cv3, strict=True
        ):  # as if trained: each place finds another
            torch.nn.init.normal_(box[-1].weight, std=3.0)
            torch.nn.init.normal_(chance[-1].weight, std=3.0)
            torch.nn.init.zeros_(chance[-1].bias)
        path = model.export(format="onnx", imgsz=160, conf=0.3, iou=0.5, verbose=False, **options)
        Path(path).rename(FOLDER / f"{name}.onnx")
        if name != "turned":
            loaded = YOLO(FOLDER / f"{name}.onnx", task=task)
            [found] = loaded.predict(
                image[..., ::-1], imgsz=160, conf=0.3, iou=0.5, max_det=400, rect=False, verbose=False
            )
            np.save(FOLDER / f"{name}.npy", found.boxes.data[:, :5].numpy())


globals()[PROGRAM]()
