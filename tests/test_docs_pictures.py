"""Pictures of the documentation: made by a script, on a page; plots are of the numbers of their page."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import PIL.Image
import pytest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PICTURES = [path for folder in ("images", "shown") for path in (DOCS / folder).rglob("*.*")]


def made_by() -> dict[str, str]:
    """Patterns of pictures, and the script that makes them, of the page for contributors."""
    page = (DOCS / "how-to-change.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`(?:images|shown)/.+?) \| `(\S+\.py)`", page, re.M)
    return {pattern: script for cell, script in rows for pattern in re.findall(r"`(.+?)`", cell)}


@pytest.mark.parametrize("picture", PICTURES, ids=lambda path: path.name)
def test_every_picture_is_made_by_a_script_and_shown_on_a_page(picture: Path) -> None:
    name = picture.relative_to(DOCS)
    scripts = [script for pattern, script in made_by().items() if name.match(pattern)]
    assert len(scripts) == 1, f"name {name} in docs/how-to-change.md"
    target = re.search(r"^pictures:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.M)
    assert target is not None
    assert scripts[0] in target[1]
    assert (ROOT / scripts[0]).is_file()
    pages = [ROOT / "README.md", *DOCS.rglob("*.md")]
    assert any(name.as_posix() in page.read_text(encoding="utf-8") for page in pages)


def test_every_line_of_pictures_is_of_some() -> None:
    assert [pattern for pattern in made_by() if not list(DOCS.glob(pattern))] == []


def test_plots_are_of_the_numbers_of_their_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    monkeypatch.delitem(sys.modules, "plots", raising=False)
    import plots

    for name, page in plots.OF_PAGES.items():
        text = (DOCS / page).read_text(encoding="utf-8")
        with PIL.Image.open(DOCS / "images" / f"{name}.png") as picture:
            drawn = picture.info["Description"]
        assert drawn == plots.digest(plots.shown_in(name, text)), "run benchmarks/plots.py"
        plots.draw(name, text, tmp_path)
        assert (tmp_path / f"{name}.png").stat().st_size > 10_000
