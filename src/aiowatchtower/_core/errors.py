"""What can go wrong, as values that say what to do about it."""

from __future__ import annotations


class CloudWatchLoggingError(Exception):
    """Base of everything this library raises or reports, apart from bad arguments."""


class SetupError(CloudWatchLoggingError):
    """Entering with ``strict=True`` could not prove that events will be delivered.

    Raised by ``async with CloudWatchLogging(..., strict=True)`` only. Its text is the one that
    is otherwise logged as a warning: what failed, and what to do. Its ``__cause__`` is the
    :class:`DeliveryError`.
    """


def from_endpoint(endpoint: str) -> str:
    """Return " from" and the address, or nothing when that is not known yet."""
    return f" from {endpoint}" if endpoint else ""


class DeliveryError(CloudWatchLoggingError):
    """One call to CloudWatch Logs failed. Carried in ``Statistics.last_error``, not raised to you.

    Attributes:
        action: The AWS action, such as ``"PutLogEvents"``.
        code: AWS's error code (``"ThrottlingException"``), or a name of ours for what never
            reached AWS (``"EndpointUnreachable"``, ``"NoCredentials"``, ``"Timeout"`` ...).
        message: What AWS or the network said.
        status: The HTTP status, or 0 when there was no answer.
        resource: Group, or ``group:stream``, that the call was about.
        maybe_accepted: The answer was lost after the request left: AWS may have the events.
    """

    def __init__(
        self,
        action: str,
        code: str,
        message: str,
        *,
        status: int = 0,
        resource: str = "",
        maybe_accepted: bool = False,
    ) -> None:
        super().__init__(action, code, message)
        self.action = action
        self.code = code
        self.message = message
        self.status = status
        self.resource = resource
        self.maybe_accepted = maybe_accepted

    def without_traceback(self) -> DeliveryError:
        """Return an equal error that keeps nothing alive: no traceback, no cause."""
        return DeliveryError(
            self.action,
            self.code,
            self.message,
            status=self.status,
            resource=self.resource,
            maybe_accepted=self.maybe_accepted,
        )

    def __str__(self) -> str:
        about = f" on {self.resource}" if self.resource else ""
        status = f" (HTTP {self.status})" if self.status else ""
        return f"{self.action}{about} failed{status}: {self.code}: {self.message}"
