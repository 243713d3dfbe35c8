"""Numbers and names in sentences, and that every sentence of the package counts right."""

import ast
import re
from pathlib import Path

import pytest

import napari_cropzoom
from napari_cropzoom.core.words import counted, plural, shortened, verb

SOURCE = Path(napari_cropzoom.__file__).parent
NOUNS = (
    "frames|boxes|edits|keypoints|suspects|videos|rows|files|groups|tracks|columns|images|models|crops|"
    "predictions|animals|persons|epochs|weights|poses|numbers|cells|ids|scores|names|views|labels|cameras|"
    "workers|steps|points|places"
)
ALWAYS_MANY = {
    "cli/verbs/crop.py": 1,  # two files at least
    "core/inspection/suspect.py": 1,  # a pattern
    "core/poses.py": 1,  # a fault of the program
    "core/smoothing/methods.py": 1,  # the widest window
    "crop/record.py": 1,  # a rate
    "engine/checkpoint.py": 1,  # a key and its keypoints
    "engine/onnx/build.py": 3,  # of a trial
    "engine/several_views.py": 1,  # two views at least
    "engine/vetting.py": 1,  # more than are stored
    "export/labeled_video.py": 1,  # more than players show
    "export/overlay.py": 1,  # two or three
    "export/report/methods.py": 1,  # a rate
    "export/report/page.py": 1,  # a rate
    "files/csv_table.py": 1,  # more columns than any table has
    "files/predictions_csv.py": 1,  # two columns at least
    "review/replay.py": 1,  # the most tracks
    "widgets/steps/video.py": 1,  # a rate
    "video/checks.py": 1,  # more frames apart than keyframes should be
}


@pytest.mark.parametrize(
    ("count", "noun", "said"),
    [
        (0, "frame", "0 frames"),
        (1, "frame", "1 frame"),
        (2, "frame", "2 frames"),
        (1, "box", "1 box"),
        (994, "box", "994 boxes"),
        (2, "bad row", "2 bad rows"),
    ],
)
def test_a_number_and_what_is_counted(count, noun, said):
    assert counted(count, noun) == said


def test_thousands_can_be_parted():
    assert counted(1200, "frame", commas=True) == "1,200 frames"
    assert plural("suspect") == "suspects"


@pytest.mark.parametrize(
    ("form", "one"), [("have", "has"), ("are", "is"), ("were", "was"), ("hold", "holds")]
)
def test_verbs_agree(form, one):
    assert (verb(1, form), verb(2, form), verb(0, form)) == (one, form, form)


@pytest.mark.parametrize("name", ["short.mp4", "x" * 40, "mouse_A_2026-11-29_session_17_camera_left.mp4"])
@pytest.mark.parametrize("length", [12, 24, 40])
def test_long_names_are_cut_at_the_middle_and_keep_their_end(name, length):
    said = shortened(name, length)
    assert len(said) <= length
    if len(name) <= length:
        assert said == name
    else:
        head, tail = said.split("…")
        assert name.startswith(head)
        assert name.endswith(tail)
        assert len(tail) >= length // 2 - 1


def _plurals_after_a_number(file: Path) -> list[str]:
    """Pieces of text in a file that follow a value and begin with a noun in the plural."""
    found = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.JoinedStr):
            continue
        for value, after in zip(node.values, node.values[1:], strict=False):
            text = after.value if isinstance(after, ast.Constant) else ""
            if isinstance(value, ast.FormattedValue) and re.match(
                rf" ((?!of|as|with|has|the|Their)\w+ )?({NOUNS})\b", str(text)
            ):
                shown = ast.unparse(value.value)
                found.append(f"{node.lineno}: {{{shown}}}{text}")
    return found


def test_no_sentence_says_1_frames():
    """A value is followed by a plural only where it cannot be one."""
    for file in sorted(SOURCE.rglob("*.py")):
        name = file.relative_to(SOURCE).as_posix()
        found = _plurals_after_a_number(file)
        assert len(found) <= ALWAYS_MANY.get(name, 0), (name, found)


def test_no_sentence_shows_the_name_of_a_variable_in_braces():
    """As of a string without its f, which a person then reads."""
    forgotten = []
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found = re.search(r"\{(\w+(\.\w+)+|\w+(\.\w+)*\(.*?\))\}", node.value)
                if found is not None:
                    forgotten.append(f"{path.relative_to(SOURCE)}:{node.lineno} {found[0]}")
    assert forgotten == []
