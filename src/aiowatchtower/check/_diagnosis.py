"""From a failed call to the step that says what to do."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Final

from aiowatchtower._core.advice import advise, statement
from aiowatchtower._core.errors import DeliveryError
from aiowatchtower._core.policy import Verdict, judge

from ._report import Status, Step

DENIED: Final = frozenset({"AccessDeniedException", "AccessDenied"})
NOT_FOUND: Final = "ResourceNotFoundException"
_EXPLICIT: Final = re.compile(r"explicit deny in (?:an? )?([\w -]+)")
# A denial by one of these is not mended in the policy of the role.
_ELSEWHERE: Final = re.compile(
    r"no (VPC endpoint|service control|resource control|session) policy|permissions boundary"
)
# Answers that judge() takes as passing, but that are worth more words.
_STANDING: Final = frozenset({"GarbledAnswer", "LimitExceededException"})
_LONGEST_DETAIL: Final = 400


def failed(
    name: str,
    error: DeliveryError,
    failures: Sequence[DeliveryError] = (),
    companions: Sequence[str] = (),
) -> Step:
    """Return the step of a call that failed, with the one thing to do.

    ``failures`` are those of all calls of the step, of which each may have been denied something else.
    ``companions`` are permissions that the call needs besides, and that AWS looks at later.
    """
    error = _named(error)
    if error.code in DENIED:
        denied = [each for each in failures if each.code in DENIED] or [error]
        advice, policy = _allowance(error, denied, companions)
    else:
        advice, policy = _advice(error), None
    return Step(name, Status.FAILED, detail(error), advice, error.code, policy)


def detail(error: DeliveryError) -> str:
    """Return what AWS or the network said, in one line."""
    text = " ".join(f"{error.code}: {error.message}".split())
    return text if len(text) <= _LONGEST_DETAIL else text[: _LONGEST_DETAIL - 3] + "..."


def _named(error: DeliveryError) -> DeliveryError:
    """Name an answer that has a status and no code of AWS's: a proxy's or another server's page."""
    if not error.code.isdigit():
        return error
    message = f"HTTP {error.status}, and not in CloudWatch Logs' words: {error.message}"
    return DeliveryError(error.action, "GarbledAnswer", message, status=error.status)


def _allowance(
    error: DeliveryError, denied: Sequence[DeliveryError], companions: Sequence[str]
) -> tuple[str, Mapping[str, object] | None]:
    if explicit := _EXPLICIT.search(error.message):
        where = explicit.group(1).strip()
        return f"An explicit deny (in {where}) forbids it: no Allow helps, lift the deny.", None
    policy: dict[str, object] = json.loads(statement(error))
    actions = [str(json.loads(statement(each))["Action"]) for each in denied]
    actions = list(dict.fromkeys([*actions, *companions]))
    policy["Action"] = actions if len(actions) > 1 else actions[0]
    where = "the policy of the role or user"
    if elsewhere := _ELSEWHERE.search(error.message):
        where = f"the {elsewhere.group(0).removeprefix('no ')}"
    return f"Allow what was denied: add this statement to {where}.", policy


def _advice(error: DeliveryError) -> str:
    if judge(error) is Verdict.RETRY and error.status and error.code not in _STANDING:
        return "This passes by itself, and records are kept until then. Run the check again."
    return advise(error)
