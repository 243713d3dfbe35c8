"""The example package of detectors, installed as a person would, and run by the command."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from napari_cropzoom.cli import main
from napari_cropzoom.core.boxes import iou
from napari_cropzoom.detection.registry import available_detectors
from napari_cropzoom.files.bbox_csv import read_bbox_csv
from videos import write_video

EXAMPLE = Path(__file__).parents[2] / "examples" / "cropzoom-detectors"
N, SIZE, SIDE = 20, (320, 240), 64


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The package in a folder of its own; nothing is downloaded."""
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-build-isolation"]
    command = [*pip, "--no-deps", "--disable-pip-version-check", "--target", str(folder), str(EXAMPLE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if "No module named pip" in done.stderr:
        pytest.skip("pip is not installed")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def detectors(installed, monkeypatch):
    monkeypatch.syspath_prepend(str(installed))
    yield available_detectors()
    for name in [each for each in sys.modules if each.startswith("cropzoom_detectors")]:
        del sys.modules[name]


def truth():
    t = np.arange(N)
    return np.column_stack([20 + 8.0 * t, 60 + 4.0 * t, np.full(N, 60.0), np.full(N, 40.0)])


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    """A bright animal of 60 x 40 pixels on a dark floor."""
    pictures = []
    for x, y, w, h in truth().astype(int).tolist():
        pictures.append(np.full((SIZE[1], SIZE[0], 3), 30, np.uint8))
        pictures[-1][y : y + h, x : x + w] = 230
    return write_video(tmp_path_factory.mktemp("video") / "mouse.mp4", pictures)


def make_network(path, layout="yolo8", names="{0: 'mouse', 1: 'rat'}", description="Ultralytics YOLOv8n"):
    """A network of two classes: its boxes lie where the picture is bright, of the class mouse."""
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper, numpy_helper

    ramp = np.arange(SIDE, dtype=np.float32) + 0.5

    def const(name, value):
        return numpy_helper.from_array(np.asarray(value, np.float32), name)

    def ints(name, value):
        return numpy_helper.from_array(np.asarray(value, np.int64), name)

    nodes, make = [], helper.make_node

    def node(kind, inputs, output, **more):
        nodes.append(make(kind, inputs, [output], **more))

    node("ReduceMean", ["images", "axis1"], "gray", keepdims=1)  # (1, 1, H, W)
    node("Greater", ["gray", "bright"], "is_bright")
    node("Cast", ["is_bright"], "mask", to=TensorProto.FLOAT)
    for name, axis, size in (("x", "axis2", "w"), ("y", "axis3", "h")):
        node("ReduceMax", ["mask", axis], f"{name}_any", keepdims=0)  # (1, 1, SIDE)
        node("ReduceSum", [f"{name}_any", "axis2"], size, keepdims=1)  # (1, 1, 1)
        node("Mul", [f"{name}_any", "ramp"], f"{name}_weighted")
        node("ReduceSum", [f"{name}_weighted", "axis2"], f"{name}_total", keepdims=1)
        node("Div", [f"{name}_total", size], name)
    node("Concat", ["x", "y", "w", "h"], "one", axis=1)  # (1, 4, 1)
    if layout != "with nms":  # (1, 4 + 2, 5): four more of the same, and a rat elsewhere, surer
        node("Concat", ["one", "one", "shifted", "one", "rat"], "boxes", axis=2)
        node("Add", ["one", "near"], "shifted")
        behind = ["keypoints"] if layout == "pose" else []
        node("Concat", ["boxes", "scores", *behind], "output0", axis=1)
        shape = [1, 9 if behind else 6, 5]
    else:  # (1, 2, 6), with NMS
        node("Mul", ["wh", "half"], "halves")
        node("Concat", ["w", "h"], "wh", axis=1)
        node("Concat", ["x", "y"], "xy", axis=1)
        node("Sub", ["xy", "halves"], "low")
        node("Add", ["xy", "halves"], "high")
        node("Concat", ["low", "high", "sure"], "column", axis=1)
        node("Transpose", ["column"], "row", perm=[0, 2, 1])
        node("Concat", ["row", "rat_row"], "output0", axis=1)
        shape = [1, 2, 6]
    scores = np.zeros((1, 2, 5))
    scores[0, 0] = 0.7, 0.8, 0.75, 0.6, 0
    scores[0, 1, 4] = 0.95
    weights = [
        const("bright", 0.5), const("ramp", ramp), const("scores", scores), const("half", 0.5),
        const("near", np.array([1, 1, 0, 0]).reshape(1, 4, 1)),
        const("rat", np.array([50, 50, 10, 10]).reshape(1, 4, 1)),
        const("keypoints", np.ones((1, 3, 5))), const("sure", np.array([0.8, 0]).reshape(1, 2, 1)),
        const("rat_row", np.array([45, 45, 55, 55, 0.95, 1]).reshape(1, 1, 6)),
        ints("axis1", [1]), ints("axis2", [2]), ints("axis3", [3]),
    ]  # fmt: skip
    ordered = sorted_nodes(nodes, {"images", *(each.name for each in weights)})
    sides = ["height", "width"] if layout == "dynamic" else [SIDE, SIDE]
    given = helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, *sides])
    found = helper.make_tensor_value_info("output0", TensorProto.FLOAT, shape)
    graph = helper.make_graph(ordered, "g", [given], [found], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    about = {
        "pose": {"task": "pose"},
        "dynamic": {"imgsz": f"[{SIDE}, {SIDE}]"},
        "turned": {"task": "obb"},
    }.get(layout, {})
    helper.set_model_props(model, {"names": names, "description": description, **about})
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return path


def sorted_nodes(nodes, known):
    """In an order in which what each needs is there."""
    left, ordered = list(nodes), []
    while left:
        ready = [node for node in left if all(name in known for name in node.input)]
        assert ready
        ordered += ready
        known |= {name for node in ready for name in node.output}
        left = [node for node in left if not any(node is each for each in ready)]
    return ordered


def run(video, folder, method, *settings):
    words = [word for each in settings for word in ("--set", each)]
    return main(["detect", str(video), "--method", method, *words, "--output_dir", str(folder)])


@pytest.mark.parametrize("layout", ["yolo8", "with nms", "pose", "dynamic"])
def test_a_network_finds_the_animal_by_the_name_of_its_class(detectors, video, tmp_path, layout):
    pytest.importorskip("onnxruntime")
    assert {"motion", "onnx", "program"} <= set(detectors)
    model = make_network(tmp_path / "yolo.onnx", layout)
    assert run(video, tmp_path, "onnx", f"model={model}", "classes=Mouse") == 0
    boxes = read_bbox_csv(tmp_path / "mouse_bbox.csv", N)
    assert (iou(boxes, truth()) > 0.5).mean() >= 0.95


@pytest.mark.parametrize("most", [6, 20, 300, 400])
@pytest.mark.parametrize("n_more", [0, 51])
@pytest.mark.parametrize("n_classes", [1, 2])
def test_a_network_that_says_it_has_nms_is_believed(detectors, most, n_more, n_classes):
    from cropzoom_detectors.yolo import decoded, final_of

    about = {"args": "{'nms': True, 'batch': 1}", "end2end": "False"}
    output = np.zeros((1, most, 6 + n_more), np.float32)
    output[0, 0, :6] = 10, 20, 30, 60, 0.9, n_classes - 1
    corners, scores, classes = decoded(output, n_classes, n_more > 0, final_of(about))
    np.testing.assert_array_equal(corners[0], [10, 20, 30, 60])
    assert len(corners) == most
    assert classes[0] == n_classes - 1
    assert scores[0] == np.float32(0.9)
    assert final_of({}) is None
    assert final_of({**about, "args": "{'nms': None}"}) is False
    assert final_of({"args": "{}", "end2end": "True"}) is True


def test_a_network_without_the_class_says_what_it_has(detectors, video, tmp_path, capsys):
    pytest.importorskip("onnxruntime")
    model = make_network(tmp_path / "yolo.onnx")
    assert run(video, tmp_path, "onnx", f"model={model}", "classes=cat") == 1
    assert "no class 'cat'; it has: mouse, rat" in capsys.readouterr().err
    turned = make_network(tmp_path / "obb.onnx", "turned")
    assert run(video, tmp_path, "onnx", f"model={turned}") == 1
    assert "turned boxes" in capsys.readouterr().err
    other = make_network(tmp_path / "rt.onnx", description="Ultralytics rtdetr-l")
    assert run(video, tmp_path, "onnx", f"model={other}") == 1
    assert "is an RT-DETR" in capsys.readouterr().err
    assert run(video, tmp_path, "onnx", "model=missing.onnx") == 1
    assert "missing.onnx: is not there" in capsys.readouterr().err
    assert not (tmp_path / "mouse_bbox.csv").exists()


def test_any_program_that_writes_boxes_is_a_detector(detectors, video, tmp_path, capsys):
    script = tmp_path / "find.py"
    script.write_text(
        "import sys\n"
        "line = '{},{},{},{},{}\\n'.format\n"
        "with open(sys.argv[2], 'w') as file:\n"
        "    file.write('frame,x1,y1,x2,y2\\n')\n"
        f"    for n in range({N}):\n"
        "        file.write(line(n, 20 + 8 * n, 60 + 4 * n, 80 + 8 * n, 100 + 4 * n))\n"
    )
    command = f"{sys.executable} {script} {{video}} {{output}}"
    assert run(video, tmp_path, "program", f"command={command}") == 0
    np.testing.assert_array_equal(read_bbox_csv(tmp_path / "mouse_bbox.csv", N), truth())
    script.write_text("import sys\nsys.exit('no camera')\n")
    assert run(video, tmp_path / "b", "program", f"command={command}") == 1
    assert "ended with an error" in capsys.readouterr().err


@pytest.mark.parametrize("said", ["level", "level=3", "confidence=high", "confidence=3"])
def test_settings_that_make_no_sense_are_refused(detectors, video, tmp_path, said, capsys):
    assert run(video, tmp_path, "onnx", said) in (1, 2)
    assert said.partition("=")[0] in capsys.readouterr().err
