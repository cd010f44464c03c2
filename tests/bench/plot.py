"""The plot: bars with the range over the rounds, as SVG that suits a light and a dark page."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from html import escape

import plan
from clients import BY_HAND, FLOOR, NAMES, OURS, WATCHTOWER
from figures import Samples

_LABELS = {
    FLOOR: "NullHandler (floor)",
    WATCHTOWER: "Watchtower",
    BY_HAND: "asyncio.Queue by hand",
    OURS: "aiowatchtower",
}
_WIDTH, _LEFT, _RIGHT = 760, 190, 90
_BAR, _STEP, _PANEL = 20, 32, 190
_STYLE = """
text { font: 13px system-ui, sans-serif; fill: #24292f }
.title { font-weight: 600; font-size: 15px } .note { font-size: 11px; fill: #57606a }
.other { fill: #afb8c1 } .ours { fill: #0969da } .range { stroke: #24292f; stroke-width: 1.5 }
.axis { stroke: #d0d7de }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .note { fill: #8d96a0 } .other { fill: #484f58 } .ours { fill: #4493f8 }
  .range { stroke: #e6edf3 } .axis { stroke: #30363d }
}"""


@dataclass(frozen=True)
class Bar:
    """One client's values over the rounds."""

    client: str
    values: list[float]


def draw(samples: Samples, note: str) -> str:
    """Give the plot of the CPU per record and of the longest loop gap."""
    panels = [
        ("CPU per record, whole process (microseconds)", _bars(samples, plan.SATURATION, "cpu_us")),
        (
            "Longest gap of a 1 ms heartbeat at 20 000 records/s (ms)",
            _bars(samples, plan.STEADY, "gap_ms"),
        ),
    ]
    body = [_panel(title, bars, top * _PANEL) for top, (title, bars) in enumerate(panels)]
    height = len(panels) * _PANEL + 20
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img">',
            "<title>CPU per record and longest loop gap of each client</title>",
            f"<style>{_STYLE}</style>",
            *body,
            f'<text class="note" x="8" y="{height - 8}">{escape(note)}</text>',
            "</svg>\n",
        ]
    )


def _bars(samples: Samples, name: str, key: str) -> list[Bar]:
    bars = [Bar(client, samples.of(name, client, key)) for client in NAMES]
    return [bar for bar in bars if bar.values]


def _panel(title: str, bars: list[Bar], top: int) -> str:
    longest = max((max(bar.values) for bar in bars), default=1.0)
    scale = (_WIDTH - _LEFT - _RIGHT) / longest
    lines = [f'<text class="title" x="8" y="{top + 24}">{escape(title)}</text>']
    for number, bar in enumerate(bars):
        lines += _bar(bar, top + 42 + number * _STEP, scale)
    bottom = top + 42 + len(bars) * _STEP
    lines.append(f'<line class="axis" x1="{_LEFT}" y1="{top + 36}" x2="{_LEFT}" y2="{bottom}"/>')
    return "\n".join(lines)


def _bar(bar: Bar, y: int, scale: float) -> list[str]:
    middle = statistics.median(bar.values)
    low, high = (_LEFT + scale * value for value in (min(bar.values), max(bar.values)))
    center = y + _BAR / 2
    kind = "ours" if bar.client == OURS else "other"
    return [
        f'<text x="{_LEFT - 10}" y="{y + 15}" text-anchor="end">{escape(_LABELS[bar.client])}</text>',
        f'<rect class="{kind}" x="{_LEFT}" y="{y}" width="{scale * middle:.1f}" height="{_BAR}" rx="3"/>',
        f'<line class="range" x1="{low:.1f}" y1="{center}" x2="{high:.1f}" y2="{center}"/>',
        f'<text x="{high + 8:.1f}" y="{y + 15}">{middle:.1f}</text>',
    ]
