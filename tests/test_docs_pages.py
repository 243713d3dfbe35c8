"""What the pages of the documentation say of the program is what the program says."""

import re
import sys
from pathlib import Path

import pytest

from napari_cropzoom.cli.parser import build_parser

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [
    *sorted((DOCS / "how-to").glob("*.md")),
    DOCS / "coming-from.md",
    DOCS / "start.md",
    DOCS / "showing.md",
]


def joined_source() -> str:
    """All code, with texts that go on over several lines made one."""
    pieces = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "src").rglob("*.py"))]
    return re.sub(r'"\s*f?"', "", "\n".join(pieces))


def test_the_messages_of_the_troubleshooting_page_are_the_programs():
    source = joined_source()
    page = (DOCS / "troubleshooting.md").read_text(encoding="utf-8")
    messages = [
        line.split(" | ")[0][2:].strip("`") for line in page.splitlines() if line.startswith("| `")
    ]
    assert len(messages) > 14
    wrong = [each for each in messages if not all(part.strip() in source for part in each.split("…"))]
    assert not wrong


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_of_the_pages_is_one_that_the_program_takes(page):
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line.partition("#")[0].split(">")[0] for block in re.findall(r"```sh\n(.*?)```", text, re.S)
             for line in block.splitlines()]  # fmt: skip
    commands = [words for line in lines if (words := line.split())[:1] == ["cropzoom"]]
    for words in commands:
        filled = ["file.csv" if word == "…" else word for word in words[1:]]  # the page leaves it out
        build_parser().parse_args(filled)


def test_the_page_of_flags_and_the_page_of_commands_name_all_verbs(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "scripts")
    monkeypatch.delitem(sys.modules, "docs_hooks", raising=False)
    import docs_hooks

    page = docs_hooks.on_page_markdown((DOCS / "flags.md").read_text(encoding="utf-8"))
    headings = re.findall(r"^## (.+)$", page, re.M)
    listed = re.findall(r"^    (\w+)(?:  |$)", build_parser().format_help(), re.M)
    assert headings == listed
    assert "--no_fade" in page
    commands = (DOCS / "commands.md").read_text(encoding="utf-8")
    assert not [verb for verb in headings if f"`{verb}" not in commands]
