"""*Copy commands* gives lines that write what the window wrote: they are run, and the files compared."""

import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from cli_runs import COMMAND
from gui_events import napari_window, needs_display, wait_for
from lpmodels import make_lp_model
from napari_cropzoom.app import find_dock, open_review
from napari_cropzoom.core.boxes import Box
from napari_cropzoom.files.bbox_csv import write_bbox_csv
from napari_cropzoom.widgets.steps.pose import CROPPED
from review_window import faulty_boxes, make_review

pytestmark = [pytest.mark.gui, needs_display, pytest.mark.timeout(900)]

LONG = 400.0  # seconds a model may take on a slow and busy machine
MADE = ("cropped_videos/*.mp4", "video_preds/*v.csv")


def made(root: Path) -> dict[Path, bytes]:
    """What crops and pose models wrote anywhere; boxes are what they are given."""
    files = [path for pattern in MADE for path in root.rglob(pattern)]
    return {path: path.read_bytes() for path in files if path.is_file()}


def run_step(step, ready=lambda: True) -> None:
    step.run()
    wait_for(lambda: step.job_bar.is_running or step.message.kind == "error", 20)

    def is_done() -> bool:
        assert step.message.kind != "error", step.message.plain
        return not step.job_bar.is_running and ready()

    wait_for(is_done, LONG)


def copied_lines_do_the_same(dock, root: Path) -> None:
    """Take away what the window has made, run the lines, and have the same files back."""
    lines = dock["export"].lines()
    before = made(root)
    assert before
    for path in before:
        for file in path.parent.glob(f"{path.stem}*"):
            if "_bbox" not in file.name and file.is_file():
                file.unlink()
    for line in lines[:-1]:
        tool, *words = shlex.split(line)
        assert tool == "cropzoom", line
        done = subprocess.run([*COMMAND, *words], capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    after = made(root)
    assert {*after} == {*before}
    assert [path for path in before if before[path] != after[path]] == []
    for path in before:
        path.unlink()


@pytest.mark.parametrize("is_chosen", [True, False])
def test_a_crop_lies_where_the_window_has_it_without_a_model(tmp_path, is_chosen):
    """Boxes of no detector, encoded as chosen; with or without a folder for results."""
    (tmp_path / "a b").mkdir()
    video, boxes = make_review(tmp_path / "a b")
    results = tmp_path / "my results" if is_chosen else None
    if results is not None:
        place = results / "bboxes_motion" / boxes.name
        write_bbox_csv(place, faulty_boxes())
        boxes = place
    with napari_window() as viewer:
        session = open_review(viewer, video, boxes, output_dir=results)
        dock = find_dock(viewer)
        dock["crop"].encoding.quality.setValue(31.5)
        session.save()
        run_step(dock["crop"])
        assert len(made(tmp_path)) == 1
        copied = dock["export"].lines()
        assert "--crf 31.5" in copied[0]
        assert ("--output_dir" in copied[-1]) is is_chosen
        lines, dock["export"].lines = dock["export"].lines, lambda: [copied[0], copied[-1]]
        copied_lines_do_the_same(dock, tmp_path)
        dock["export"].lines = lines


def test_with_a_folder_for_results_everything_lies_in_it(tmp_path):
    pytest.importorskip("lightning_pose", reason="needs the extra 'pose'")
    video, boxes = make_review(tmp_path)
    detector, results = make_lp_model(tmp_path / "models" / "detector"), tmp_path / "my results"
    pose = Path(shutil.copytree(detector, tmp_path / "models" / "pose"))
    place = results / "detector" / "video_preds" / boxes.name
    write_bbox_csv(place, faulty_boxes())
    with napari_window() as viewer:
        session = open_review(viewer, video, place, detector, pose, output_dir=results)
        dock = find_dock(viewer)
        step = dock["pose"]
        session.save()
        run_step(dock["crop"])
        run_step(step, lambda: session.pose_poses is not None)
        assert {path.parent for path in made(tmp_path)} == {
            results / "detector" / "cropped_videos",
            results / "pose" / "video_preds",
        }
        copied_lines_do_the_same(dock, tmp_path)

        run_step(dock["crop"])  # and from the cropped file
        step.source.setCurrentIndex(step.source.findData(CROPPED))
        files = dock.controller.keypoint_files
        run_step(step, lambda: files["pose", session.keypoints.animal()].name.startswith("remapped"))
        assert "remapped_cropped_v.csv" in {path.name for path in made(tmp_path)}
        copied_lines_do_the_same(dock, tmp_path)

        step.source.setCurrentIndex(0)
        session.add_track("white mouse")  # whose folder is its own
        session.set_box(20, Box(200, 20, 60, 60))
        session.save()
        run_step(dock["crop"])
        run_step(step, lambda: ("pose", session.keypoints.animal()) in files)
        assert all(place.parent / "white mouse" in path.parents for path in made(tmp_path))
        copied_lines_do_the_same(dock, tmp_path)
