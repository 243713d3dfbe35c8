import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.progress import run_stage
from napari_cropzoom.files.atomic import atomic_folder, atomic_path, observe_temporaries
from napari_cropzoom.files.bbox_csv import read_bbox_csv
from napari_cropzoom.worker.server import describe, end_process
from napari_cropzoom.worker.stages import EngineCache, builtin_stages, chosen, required_path
from videos import write_video


def converse(*lines: str) -> tuple[list[dict], str]:
    """Send lines to a real worker, close its input when all are answered, and return its events."""
    process = subprocess.Popen(
        [sys.executable, "-m", "napari_cropzoom.worker.server", "--stages", "worker_stages"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
    )
    process.stdin.write("".join(line + "\n" for line in lines))
    process.stdin.flush()
    expected = sum('"stage"' in line for line in lines)
    events = []
    while sum(event["event"] in ("done", "error", "cancelled") for event in events) < expected:
        events.append(json.loads(process.stdout.readline()))
    _, log = process.communicate(timeout=5)
    assert process.returncode == 0
    return events, log


def request(number: int, stage: str, **args) -> str:
    return json.dumps({"id": number, "stage": stage, "args": args})


def write_moving_square(path: Path) -> None:
    pictures = np.full((30, 64, 96), 200, np.uint8)
    for number, picture in enumerate(pictures):
        picture[20:36, 2 * number + 8 : 2 * number + 24] = 20
    write_video(path, pictures)


def test_requests_are_answered_in_order_and_rubbish_is_logged():
    events, log = converse(
        request(1, "count", n=1), "no json", '{"id": 9}', "[1]", request(2, "user_error")
    )
    assert [(event["id"], event["event"]) for event in events if event["event"] != "progress"] == [
        (1, "done"),
        (2, "error"),
    ]
    assert events[-1]["kind"] == "user"
    assert "\n" not in events[-1]["message"]
    assert log.count("request not understood") == 3


def test_what_stages_print_is_not_in_the_protocol():
    events, log = converse(request(1, "noisy"))
    assert events[-1] == {"id": 1, "event": "done", "result": {"heard": True}}
    assert "printed" in log
    assert "from C" in log
    assert "EOFError" in log


def test_a_cancel_sent_at_once_is_heard(tmp_path):
    target = tmp_path / "out.bin"
    events, _ = converse(request(1, "write", output=str(target)), '{"cancel": 1}')
    assert events[-1] == {"id": 1, "event": "cancelled"}
    assert list(tmp_path.iterdir()) == []


def test_a_cancelled_stage_leaves_no_empty_folder(tmp_path):
    kept = tmp_path / "kept"
    kept.mkdir()
    for target in (tmp_path / "made" / "for it" / "out.bin", kept / "out.bin"):
        events, _ = converse(request(1, "write", output=str(target)), '{"cancel": 1}')
        assert events[-1] == {"id": 1, "event": "cancelled"}
    assert list(tmp_path.iterdir()) == [kept]


def test_a_temporary_is_announced_before_it_is_written(tmp_path):
    events, _ = converse(request(1, "write", output=str(tmp_path / "out.bin")))
    assert events[0]["event"] == "temporary"
    assert Path(events[0]["path"]).parent == tmp_path
    assert events[-1]["event"] == "done"
    assert [path.name for path in tmp_path.iterdir()] == ["out.bin"]


def test_the_detect_stage_writes_boxes(tmp_path):
    write_moving_square(tmp_path / "v.mp4")
    output = tmp_path / "v_bbox.csv"
    events, _ = converse(
        request(
            1,
            "detect",
            method="motion",
            video=str(tmp_path / "v.mp4"),
            output=str(output),
            settings={"box_size": 20},
        )
    )
    assert events[-1] == {"id": 1, "event": "done", "result": {"bbox_csv": str(output)}}
    boxes = read_bbox_csv(output, n_frames=30)
    assert boxes.shape == (30, 4)
    centre = boxes[:, 0] + boxes[:, 2] / 2
    assert np.abs(centre - (16 + 2 * np.arange(30))).max() <= 3


@pytest.mark.parametrize(
    ("stage", "args", "message"),
    [
        ("crop", {"video": "v.mp4"}, "bbox_csv"),
        ("detect", {"method": "dance"}, "no detector 'dance'"),
        ("remap", {}, "'preds'"),
        ("predict", {}, "'model'"),
    ],
)
def test_what_is_missing_is_named(stage, args, message):
    with pytest.raises(CropzoomError, match=message):
        run_stage(builtin_stages(EngineCache())[stage](args))


def test_options_that_are_none_keep_the_defaults():
    assert chosen({"crf": 0, "preset": None, "x": 1}, ("crf", "preset")) == {"crf": 0}
    assert required_path({"video": "a/b.mp4"}, "video") == Path("a/b.mp4")


def test_a_message_is_one_line_and_memory_is_no_bug():
    assert describe(MemoryError())["kind"] == "user"
    assert describe(ValueError("a\nb"))["message"] == "ValueError: a b"
    assert describe(ValueError("a"))["kind"] == "bug"


def test_temporaries_are_observed_only_inside(tmp_path):
    seen = []
    with observe_temporaries(seen.append), atomic_path(tmp_path / "a.txt") as part:
        assert seen == [part]
        part.write_text("x")
    with atomic_path(tmp_path / "b.txt") as part:
        part.write_text("x")
    assert len(seen) == 1


def test_a_folder_being_written_is_announced_and_removed_when_the_process_ends(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr("os._exit", lambda code: None)
    with observe_temporaries(seen.append), atomic_folder(tmp_path / "exports") as part:
        (part / "half.onnx").write_bytes(b"half")
        assert seen == [part]
        end_process({part})
        assert not part.exists()
