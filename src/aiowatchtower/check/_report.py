"""What was found, as values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import Enum
from typing import Final

from aiowatchtower._version import __version__

PUT: Final = "PutLogEvents"


class Status(str, Enum):
    """How a step has ended."""

    OK = "ok"
    FAILED = "failed"
    WARNING = "warning"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Step:
    """One thing that was looked at."""

    name: str
    status: Status
    detail: str
    advice: str = ""
    error_code: str = ""
    statement: Mapping[str, object] | None = None
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Report:
    """All steps, in the order in which they depend on each other."""

    log_group_name: str
    log_stream_name: str
    steps: tuple[Step, ...]

    @property
    def delivers(self) -> bool:
        """Whether an event has arrived."""
        return any(step.name == PUT and step.status is Status.OK for step in self.steps)

    @property
    def leaves(self) -> str:
        """What the check has left behind, in one sentence."""
        done = {step.name for step in self.steps if step.detail.startswith("created")}
        made = [
            text
            for name, text in (
                ("CreateLogGroup", f"the log group {self.log_group_name}"),
                ("CreateLogStream", f"the log stream {self.log_stream_name}"),
            )
            if name in done
        ]
        left = [*made, "one event"] if self.delivers else made
        return f"It has left behind: {', '.join(left)}." if left else "It has left nothing behind."

    def to_json(self) -> str:
        """Return the object that the package's docstring describes."""
        about = {
            "delivers": self.delivers,
            "version": __version__,
            "log_group_name": self.log_group_name,
            "log_stream_name": self.log_stream_name,
            "steps": [asdict(step) for step in self.steps],
        }
        return json.dumps(about, indent=2)


def skipped(name: str, why: str) -> Step:
    """Return a step that was not tried."""
    return Step(name, Status.SKIPPED, why)
