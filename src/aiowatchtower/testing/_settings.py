"""How strict, how slow and how forgiving the service is."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

from ._operations import check_operations

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from typing_extensions import TypedDict

    class Options(TypedDict, total=False):
        """The keyword arguments that `ServiceSettings` documents."""

        region_name: str
        allow: Collection[str] | None
        deny: Collection[str]
        kms_keys: Collection[str] | None
        max_event_bytes: int
        eventual_consistency: int
        queries_running: int
        create_streams_per_second: int | None
        clock_offset: float
        latency: float
        keep_events: bool
        credentials: Mapping[str, str]
        expired_keys: Collection[str]
        verify_signatures: bool

else:
    Options = dict


@dataclass
class ServiceSettings:
    """How strict, how slow and how forgiving the service is."""

    region_name: str = "us-east-1"
    """The region of requests that name none: those of the client in memory, and unsigned ones."""
    allow: Collection[str] | None = None
    """Actions that the caller's policy allows, such as {"PutLogEvents"}; None allows all."""
    deny: Collection[str] = ()
    """Actions that the policy denies; TagResource and AssociateKmsKey also govern CreateLogGroup's parameters."""
    kms_keys: Collection[str] | None = None
    """ARNs of the KMS keys that exist; None: every key exists."""
    max_event_bytes: int = 1_048_576
    """Largest event including its 26 bytes of overhead; it was 262 144 until 2025."""
    eventual_consistency: int = 0
    """How many puts after a stream's creation are still told that the stream does not exist."""
    queries_running: int = 1
    """How many times GetQueryResults answers that a query is still running."""
    create_streams_per_second: int | None = None
    """Throttle CreateLogStream above this rate (AWS: 50)."""
    clock_offset: float = 0.0
    """Seconds by which the service's clock is ahead of the machine's."""
    latency: float = 0.0
    """Seconds between reading a request and answering it."""
    keep_events: bool = True
    """False counts accepted events without keeping them: for long benchmarks."""
    credentials: Mapping[str, str] = field(default_factory=lambda: {"testing": "testing"})
    """Secret keys by access key. This setting and the two below matter over HTTP only."""
    expired_keys: Collection[str] = ()
    """Access keys whose requests are answered with ExpiredTokenException."""
    verify_signatures: bool = True
    """False accepts requests without looking at their signatures."""

    def update(self, options: Options) -> None:
        """Change some settings; an unknown name raises `TypeError`, an unknown action `ValueError`."""
        known = {each.name for each in fields(self)}
        for name, value in options.items():
            if name not in known:
                message = f"unknown setting {name!r}; known are {', '.join(sorted(known))}"
                raise TypeError(message)
            if name in ("allow", "deny"):
                check_operations(name, value or ())  # type: ignore[arg-type]
            setattr(self, name, value)


def read_settings(options: Options) -> ServiceSettings:
    """Return the default settings, changed by some options."""
    settings = ServiceSettings()
    settings.update(options)
    return settings
