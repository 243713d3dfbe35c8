"""What a report is asked for in the tests, and its page read as a browser would."""

from __future__ import annotations

from html.parser import HTMLParser

from export.reviewed import Reviewed
from napari_cropzoom.export.report.facts import ReportSettings


def asked(review: Reviewed, **more: object) -> ReportSettings:
    return ReportSettings(review.video, review.raw, after=review.after, pixels=False, **more)  # type: ignore[arg-type]


class Page(HTMLParser):
    """Text by element, and every attribute; fails where elements do not end in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.rows: list[list[str]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in ("meta", "img"):
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("td", "th"):
            self.rows[-1].append(data)
        if not self.open or self.open[-1] not in ("script", "style"):
            self.words.append(data)
