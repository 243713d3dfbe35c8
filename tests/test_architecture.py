"""The rules of docs/architecture.md: that the contracts hold them, and what contracts cannot say."""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import pytest

import napari_cropzoom

PACKAGE = Path(napari_cropzoom.__file__).parent
PROJECT = Path(__file__).parents[1] / "pyproject.toml"
CONFIG = tomllib.loads(PROJECT.read_text("utf-8"))["tool"]["importlinter"]
CONTRACTS = [each["name"] for each in CONFIG["contracts"]]
# One line that breaks a rule, and the module it is put into.
BREACHES = {
    "One floor stands above the other": ("video/cache.py", "import napari_cropzoom.review.session"),
    "Rooms of core stand one above the other": (
        "core/boxes.py",
        "import napari_cropzoom.core.editing.edits",
    ),
    "Core is arrays and rules": ("core/boxes.py", "import psygnal"),
    "Reading and reviewing work without torch and Lightning Pose": (
        "files/bbox_csv.py",
        "def read():\n    import torch",
    ),
    "What computes knows no window": ("crop/crop.py", "from qtpy.QtCore import QObject"),
    "One room knows Dask": ("batch/batch.py", "def ask():\n    import distributed"),
    "The steps of the dock do not know each other": (
        "widgets/steps/crop.py",
        "import napari_cropzoom.widgets.steps.pose",
    ),
    "One line chooses the raster room": ("widgets/dock.py", "import napari_cropzoom.widgets.raster"),
    "Tables, reviews and the window read no video by themselves": ("files/bbox_csv.py", "import av"),
}
LONGEST_MODULE, MOST_MODULES = 400, 15


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def broken_contracts(folder: Path) -> list[str]:
    """Names of the contracts that the package in ``folder`` breaks."""
    pytest.importorskip("importlinter", reason="import-linter is not installed")
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    environment = {**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "200"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Contracts:" in done.stdout, done.stdout + done.stderr
    return re.findall(r"^(.*\S) BROKEN", done.stdout, re.M)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    shutil.copytree(PACKAGE, tmp_path / PACKAGE.name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PROJECT, tmp_path)
    return tmp_path


def test_every_contract_has_a_breach():
    assert sorted(BREACHES) == sorted(CONTRACTS)


def test_no_contract_is_broken(copied):
    assert broken_contracts(copied) == []


@pytest.mark.parametrize("contract", BREACHES)
def test_a_contract_is_held(copied, contract):
    where, line = BREACHES[contract]
    module = copied / PACKAGE.name / where
    module.write_text(f"{module.read_text('utf-8')}\n\n{line}\n", "utf-8")
    assert contract in broken_contracts(copied)


def test_no_modules_import_each_other_in_a_circle():
    grimp = pytest.importorskip("grimp", reason="import-linter is not installed")
    graph = grimp.build_graph(PACKAGE.name, cache_dir=None, exclude_type_checking_imports=False)
    leads_to = {each: graph.find_modules_directly_imported_by(each) for each in graph.modules}
    while ends := [each for each, further in leads_to.items() if not further]:
        for each in ends:
            del leads_to[each]
        leads_to = {each: further - set(ends) for each, further in leads_to.items()}
    assert sorted(leads_to) == []


def test_the_canvas_knows_no_widgets():
    for module in (PACKAGE / "canvas").rglob("*.py"):
        for node in ast.walk(ast.parse(module.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom):
                assert node.module != "qtpy.QtWidgets", module


def test_private_members_of_napari_are_left_alone():
    private = re.compile(r"napari\._|_qt_window|qt_viewer|_qt_viewer|\bviewer\.window\._")
    assert [each.name for each in modules() if private.search(each.read_text("utf-8"))] == []


def test_modules_and_folders_are_of_a_size_to_be_read():
    tests = Path(__file__).parent
    long = {
        each.name: count
        for each in (*modules(), *tests.rglob("*.py"))
        if (count := len(each.read_text("utf-8").splitlines())) > LONGEST_MODULE
    }
    assert not long, f"over {LONGEST_MODULE} lines: take an idea of its own out of it: {long}"
    counts = Counter(each.parent for each in modules() if each.name != "__init__.py")
    full = {
        folder.relative_to(PACKAGE).as_posix(): count
        for folder, count in counts.items()
        if count > MOST_MODULES
    }
    assert not full, f"over {MOST_MODULES} modules: give some that belong together a folder: {full}"


def test_a_class_name_means_one_thing():
    """A stranger who looks for a name finds one class, not two that have nothing in common."""
    places: dict[str, list[str]] = {}
    for module in modules():
        for node in ast.parse(module.read_text("utf-8")).body:
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name, []).append(module.relative_to(PACKAGE).as_posix())
    assert {name: where for name, where in places.items() if len(where) > 1} == {}


def test_the_contract_of_the_steps_names_all_of_them():
    from napari_cropzoom.widgets.steps.registry import STEPS

    name = "The steps of the dock do not know each other"
    [contract] = [each for each in CONFIG["contracts"] if each["name"] == name]
    assert sorted(contract["modules"]) == sorted(step.__module__ for step in STEPS), (
        f"put the new step into the contract {name!r} of pyproject.toml"
    )
