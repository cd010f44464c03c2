"""Check every internal link of the built site: `python docs/check_links.py docs/_build/html`."""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """The targets in a page, and what the page refers to."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.targets: set[str] = set()
        self.references: list[str] = []
        self.feed(file.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect ids and references."""
        del tag
        for name, value in attrs:
            if name == "id" and value:
                self.targets.add(value)
            elif name in {"href", "src"} and value:
                self.references.append(value)


def broken(site: Path) -> list[str]:
    """Return the links that lead nowhere, each with its page."""
    pages = {file.resolve(): Page(file) for file in sorted(site.rglob("*.html"))}
    found = []
    for file, page in pages.items():
        for reference in page.references:
            url = urlsplit(reference)
            if url.scheme or url.netloc:
                continue
            target = (file.parent / unquote(url.path)).resolve() if url.path else file
            if target.is_dir():
                target /= "index.html"
            known = pages.get(target)
            is_lost = not target.exists() or (
                known is not None and url.fragment not in {"", *known.targets}
            )
            if is_lost:
                found.append(f"{file.relative_to(site.resolve())}: {reference}")
    return sorted(set(found))


if __name__ == "__main__":
    lost = broken(Path(sys.argv[1]))
    print("\n".join(lost) or "every internal link leads somewhere")
    sys.exit(bool(lost))
