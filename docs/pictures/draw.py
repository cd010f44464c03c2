"""Draw the pictures of the documentation: `python docs/pictures/draw.py` writes them beside this file.

Plain SVG with one style sheet, which follows the reader's light or dark system and needs no font
and no network. The site makes one copy for each of its themes (see `PicturesInBothThemes` in conf.py).
"""

from __future__ import annotations

from html import escape
from pathlib import Path

HERE = Path(__file__).parent
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #24292f }
.name { font-weight: 600 } .small { font-size: 11.5px; fill: #57606a }
.box { fill: #f6f8fa; stroke: #8c959f; stroke-width: 1.2 }
.ours { fill: #ddf4ff; stroke: #0969da; stroke-width: 1.4 }
.good { fill: #dafbe1; stroke: #1a7f37 } .bad { fill: #ffebe9; stroke: #cf222e }
.line { stroke: #57606a; stroke-width: 1.5; fill: none } .tip { fill: #57606a }
.accepted { stroke: #0969da } .refused { stroke: #cf222e; stroke-dasharray: 4 2 }
.back { stroke-dasharray: 5 4 } .border { stroke: #8c959f; stroke-dasharray: 2 4 }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .small { fill: #9198a1 }
.box { fill: #151b23; stroke: #656c76 } .ours { fill: #0c2d6b; stroke: #4493f8 }
.good { fill: #04260f; stroke: #3fb950 } .bad { fill: #3c0614; stroke: #f85149 }
.line { stroke: #9198a1 } .accepted { stroke: #4493f8 } .refused { stroke: #f85149 } .tip { fill: #9198a1 } .border { stroke: #656c76 }
}
"""


class Drawing:
    """Shapes in the order in which they are drawn."""

    def __init__(self, title: str, width: int, height: int) -> None:
        self._title, self._size = title, f"{width} {height}"
        self._shapes: list[str] = []

    def box(
        self, x: int, y: int, width: int, height: int, name: str, *lines: str, kind: str = "box"
    ) -> None:
        """Add a rounded box with a name and smaller lines below it."""
        self._shapes.append(
            f'<rect class="{kind}" x="{x}" y="{y}" width="{width}" height="{height}" rx="7"/>'
        )
        middle = x + width // 2
        top = y + (height - 17 * len(lines)) // 2 + 5
        self.text(middle, top, name, kind="name")
        for number, line in enumerate(lines, 1):
            self.text(middle, top + 17 * number, line, kind="small")

    def text(self, x: int, y: int, text: str, *, kind: str = "", anchor: str = "middle") -> None:
        """Add one line of text."""
        self._shapes.append(
            f'<text class="{kind}" x="{x}" y="{y}" text-anchor="{anchor}">{escape(text)}</text>'
        )

    def arrow(self, *points: tuple[int, int], kind: str = "") -> None:
        """Add a line through the points, with a tip at its end."""
        path = " L".join(f"{x} {y}" for x, y in points)
        (x0, y0), (x, y) = points[-2:]
        dx, dy = (x > x0) - (x < x0), (y > y0) - (y < y0)
        tip = f"{x},{y} {x - 9 * dx - 5 * dy},{y - 9 * dy - 5 * dx} {x - 9 * dx + 5 * dy},{y - 9 * dy + 5 * dx}"
        self._shapes.append(
            f'<path class="line {kind}" d="M{path}"/><polygon class="tip" points="{tip}"/>'
        )

    def line(self, *points: tuple[float, float], kind: str = "") -> None:
        """Add a line through the points."""
        path = " L".join(f"{x} {y}" for x, y in points)
        self._shapes.append(f'<path class="line {kind}" d="M{path}"/>')

    def border(self, x0: int, x1: int, y: int) -> None:
        """Add a dotted line from side to side."""
        self._shapes.append(f'<line class="border" x1="{x0}" y1="{y}" x2="{x1}" y2="{y}"/>')

    def save(self, name: str) -> None:
        """Write the file."""
        (HERE / name).write_text(self.svg(), encoding="utf-8")

    def svg(self) -> str:
        """Return the text of the file."""
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self._size}" role="img">',
            f"<title>{escape(self._title)}</title>",
            f"<style>{STYLE}</style>",
            *self._shapes,
            "</svg>\n",
        ]
        return "\n".join(parts)


def path_of_a_record() -> None:
    """From the logger to CloudWatch Logs, and the receipt on its way back."""
    d = Drawing("The path of a record", 760, 452)
    d.box(30, 14, 330, 44, 'logger.info("order %d", 7)', "any thread, any task, any loop, or none")
    d.arrow((195, 58), (195, 84))
    d.box(
        30,
        84,
        330,
        60,
        "CloudWatchLogHandler",
        "formats in your context",
        "never waits, raises or does I/O",
        kind="ours",
    )
    d.arrow((195, 144), (195, 170))
    d.box(
        30,
        170,
        330,
        60,
        "buffer",
        "bounded in bytes until AWS has answered",
        "full: newest dropped, counted, marked",
        kind="ours",
    )
    d.border(10, 750, 246)
    d.text(748, 240, "below: one asyncio task", kind="small", anchor="end")
    d.arrow((195, 230), (195, 272))
    d.box(
        30,
        272,
        330,
        60,
        "batches, one queue per stream",
        "1 MiB, 10 000 events, 24 h, by time",
        "sent when full or after send_interval",
        kind="ours",
    )
    d.arrow((195, 332), (195, 358))
    d.box(
        30,
        358,
        330,
        76,
        "sender",
        "JSON and gzip in slices of 0.2 ms",
        "tried until accepted; creates what is missing",
        "isolates the event that AWS refuses",
        kind="ours",
    )
    d.arrow((360, 396), (470, 396))
    d.box(
        470, 362, 260, 68, "CloudWatch Logs", "PutLogEvents", "IAM: PutLogEvents, CreateLogStream"
    )
    d.arrow((600, 362), (600, 206), kind="back")
    d.text(610, 312, "receipt", kind="small", anchor="start")
    d.box(
        470,
        84,
        260,
        122,
        "one fate per record",
        "delivered: AWS has it",
        "rejected: AWS refused this event",
        "dropped: given up here, with a reason",
        "pending: no answer yet",
        kind="good",
    )
    d.arrow((470, 196), (360, 196), kind="back")
    d.text(415, 188, "frees bytes", kind="small")
    d.save("path.svg")


def life_of_a_block() -> None:
    """Kept, open, leaving, closed; and back."""
    d = Drawing("The life of a block", 760, 196)
    d.box(10, 40, 150, 76, "keeping", "before the block:", "records are kept,", "with their times")
    d.arrow((160, 78), (212, 78))
    d.text(186, 68, "enter", kind="small")
    d.box(212, 40, 150, 76, "open", "batches are sent,", "failures are", "tried again", kind="ours")
    d.arrow((362, 78), (414, 78))
    d.text(388, 68, "leave", kind="small")
    d.box(
        414,
        40,
        160,
        76,
        "leaving",
        "what is pending is sent,",
        "for shutdown_timeout",
        "at most",
        kind="ours",
    )
    d.arrow((574, 78), (610, 78))
    d.box(
        610,
        40,
        140,
        76,
        "closed",
        "later records are",
        "dropped and counted",
        "(after_exit)",
        kind="bad",
    )
    d.arrow((680, 116), (680, 160), (287, 160), (287, 116), kind="back")
    d.text(484, 178, "the same object may be entered again, also in another loop", kind="small")
    d.text(380, 22, "One async with block", kind="name")
    d.save("block.svg")


if __name__ == "__main__":
    path_of_a_record()
    life_of_a_block()
