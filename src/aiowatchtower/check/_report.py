"""What was found, as values."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import Enum
from typing import Final, NamedTuple, cast

from aiowatchtower._version import __version__

PUT: Final = "PutLogEvents"
# Of the policy language: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html
_IAM_VERSION: Final = "2012-10-17"


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


class Advice(NamedTuple):
    """One thing to do about one step, or about several that AWS has denied alike.

    Attributes:
        about: The names of the steps.
        text: What to do.
        statements: Of a policy, as JSON to be copied; "" when that is not what there is to do.
        status: Of the first of the steps.
    """

    about: str
    text: str
    statements: str
    status: Status


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
    def missing_permissions(self) -> list[str]:
        """The actions that an identity lacks, in the order of the steps."""
        found = [action for step in self.steps for action in _actions(step.statement or {})]
        return list(dict.fromkeys(found))

    @property
    def leaves(self) -> str:
        """What the check has left behind, in one sentence."""
        done = {step.name for step in self.steps if step.facts.get("created")}
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

    def advice(self) -> Iterator[Advice]:
        """Yield each thing to do once, however many steps it is about."""
        asking: dict[str, list[Step]] = {}
        for step in self.steps:
            if step.advice:
                asking.setdefault(step.advice, []).append(step)
        for text, steps in asking.items():
            merged = _merged(step.statement for step in steps if step.statement is not None)
            statements = ",\n".join(json.dumps(statement, indent=2) for statement in merged)
            about = ", ".join(step.name for step in steps)
            yield Advice(about, text, statements, steps[0].status)

    def to_json(self) -> str:
        """Return the object that the package's docstring describes."""
        merged = _merged(step.statement for step in self.steps if step.statement is not None)
        about = {
            "delivers": self.delivers,
            "version": __version__,
            "log_group_name": self.log_group_name,
            "log_stream_name": self.log_stream_name,
            "missing_permissions": self.missing_permissions,
            "policy": {"Version": _IAM_VERSION, "Statement": merged} if merged else None,
            "steps": [asdict(step) for step in self.steps],
        }
        return json.dumps(about, indent=2)


def _merged(statements: Iterable[Mapping[str, object]]) -> list[dict[str, object]]:
    """Return these statements, those about the same resource as one."""
    by_resource: dict[object, list[str]] = {}
    for statement in statements:
        actions = by_resource.setdefault(statement["Resource"], [])
        actions += [action for action in _actions(statement) if action not in actions]
    return [
        {
            "Effect": "Allow",
            "Action": actions if len(actions) > 1 else actions[0],
            "Resource": resource,
        }
        for resource, actions in by_resource.items()
    ]


def _actions(statement: Mapping[str, object]) -> list[str]:
    named = statement.get("Action", [])
    return [named] if isinstance(named, str) else list(cast("Sequence[str]", named))


def skipped(name: str, why: str) -> Step:
    """Return a step that was not tried."""
    return Step(name, Status.SKIPPED, why)
