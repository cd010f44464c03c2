"""Everything that can be set, validated in one place before anything runs."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from inspect import iscoroutinefunction
from typing import Final, Literal

from aiowatchtower._core.choices import LevelName, LogGroupClass, RetentionDays
from aiowatchtower._core.events import Lost
from aiowatchtower._core.limits import (
    LOG_GROUP_CLASSES,
    MAX_BATCH_BYTES,
    MAX_BATCH_COUNT,
    MAX_EVENT_BYTES,
    MAX_KMS_KEY_LENGTH,
    METRICS_NAMESPACE,
    MIN_EVENT_BYTES,
    MIN_SPOOL_BYTES,
    RETENTION_DAYS,
)

from .arguments import (
    check_aws,
    check_number,
    check_tags,
    check_text,
    checked_directory,
    checked_seconds,
    complaint,
    plain_entity,
)
from .names import DEFAULT_LOG_STREAM_NAME, StreamName, checked_group_name


@dataclass(frozen=True)
class Settings:
    """Validated settings of one handler.

    Raises ``TypeError`` or ``ValueError`` on construction, naming the argument, its value and
    what is allowed. Intervals and timeouts are seconds, as a number or ``timedelta``.
    """

    log_group_name: str
    log_stream_name: str = DEFAULT_LOG_STREAM_NAME
    level: int | LevelName = logging.NOTSET
    formatter: logging.Formatter | None = None
    structured: bool | None = None
    send_interval: float | timedelta = 5.0
    max_batch_size: int = MAX_BATCH_BYTES
    max_batch_count: int = MAX_BATCH_COUNT
    max_message_size: int = MAX_EVENT_BYTES
    max_buffer_size: int = 64 * 2**20
    spool_directory: str | os.PathLike[str] | None = None
    max_spool_size: int = 2**30
    shutdown_timeout: float | timedelta = 10.0
    create_log_group: bool = True
    create_log_stream: bool = True
    log_group_retention_days: RetentionDays | None = None
    log_group_tags: Mapping[str, str] | None = None
    log_group_kms_key_id: str | None = None
    log_group_class: LogGroupClass | None = None
    entity: Mapping[str, Mapping[str, str]] | None = None
    compression: Literal["gzip"] | None = "gzip"
    max_in_flight: int = 4
    metrics_namespace: str | None = None
    metrics_interval: float | timedelta = 60.0
    region_name: str | None = None
    profile_name: str | None = None
    endpoint_url: str | None = None
    session: object | None = None
    client: object | None = None
    config: object | None = None
    enabled: bool = True
    strict: bool = False
    on_drop: Callable[[Lost], object] | None = None
    stream_name: StreamName = field(init=False)
    # The spool_directory as it was meant when the settings were made, whatever the working directory is.
    spool_path: str | None = field(init=False)

    def __post_init__(self) -> None:
        checked_group_name(self.log_group_name)
        self._set("stream_name", StreamName(self.log_stream_name))
        self._check_level()
        self._set("send_interval", checked_seconds("send_interval", self.send_interval))
        self._set("shutdown_timeout", checked_seconds("shutdown_timeout", self.shutdown_timeout))
        check_number("max_batch_size", self.max_batch_size, MIN_EVENT_BYTES, MAX_BATCH_BYTES)
        check_number("max_batch_count", self.max_batch_count, 1, MAX_BATCH_COUNT)
        check_number("max_message_size", self.max_message_size, MIN_EVENT_BYTES, MAX_EVENT_BYTES)
        check_number("max_buffer_size", self.max_buffer_size, 1, None)
        check_number("max_in_flight", self.max_in_flight, 1, None)
        check_number("max_spool_size", self.max_spool_size, MIN_SPOOL_BYTES, None)
        self._set("spool_path", checked_directory("spool_directory", self.spool_directory))
        for name in ("create_log_group", "create_log_stream", "enabled", "strict"):
            if not isinstance(getattr(self, name), bool):
                raise TypeError(complaint(name, getattr(self, name), "True or False"))
        self._check_metrics()
        self._check_group()
        self._check_delivery()
        self._check_connection()

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    @property
    def interval(self) -> float:
        """``send_interval`` in seconds."""
        return checked_seconds("send_interval", self.send_interval)

    @property
    def grace(self) -> float:
        """``shutdown_timeout`` in seconds."""
        return checked_seconds("shutdown_timeout", self.shutdown_timeout)

    @property
    def metrics_seconds(self) -> float:
        """``metrics_interval`` in seconds."""
        return checked_seconds("metrics_interval", self.metrics_interval)

    @property
    def max_event_bytes(self) -> int:
        """The largest event to send: it also has to fit into a batch."""
        return min(self.max_message_size, self.max_batch_size)

    def _check_level(self) -> None:
        try:
            logging.Handler(self.level)
        except (TypeError, ValueError) as exc:
            allowed = "a logging level, such as logging.INFO or 'INFO'"
            raise type(exc)(complaint("level", self.level, allowed)) from exc
        formatter: object = self.formatter
        # Anything with a format method will do, as it does for logging; but str.format is another.
        if formatter is not None and (
            isinstance(formatter, (str, type)) or not hasattr(formatter, "format")
        ):
            allowed = "a logging.Formatter (an instance) or None"
            raise TypeError(complaint("formatter", self.formatter, allowed))
        if not isinstance(self.structured, (bool, type(None))):
            raise TypeError(complaint("structured", self.structured, "None, True or False"))
        if self.structured is not None and formatter is not None:
            raise ValueError(complaint("structured", self.structured, NOT_BESIDE_A_FORMATTER))

    def _check_metrics(self) -> None:
        name: object = self.metrics_namespace
        if name is not None and not (isinstance(name, str) and METRICS_NAMESPACE.fullmatch(name)):
            allowed = (
                "None or the namespace of CloudWatch metrics, such as 'Shop/Logs': 1 to 255 of the "
                "characters a-z A-Z 0-9 . - _ / # : and space, not starting with AWS/"
            )
            raise ValueError(complaint("metrics_namespace", name, allowed))
        self._set("metrics_interval", checked_seconds("metrics_interval", self.metrics_interval))
        if not self.metrics_interval:
            allowed = "more than 0 seconds"
            raise ValueError(complaint("metrics_interval", self.metrics_interval, allowed))

    def _check_group(self) -> None:
        days = self.log_group_retention_days
        if days is not None and (type(days) is not int or days not in RETENTION_DAYS):
            allowed = f"None (keep for ever) or one of {', '.join(map(str, RETENTION_DAYS))}"
            raise ValueError(complaint("log_group_retention_days", days, allowed))
        if self.log_group_class is not None and self.log_group_class not in LOG_GROUP_CLASSES:
            allowed = f"None or one of {', '.join(LOG_GROUP_CLASSES)}"
            raise ValueError(complaint("log_group_class", self.log_group_class, allowed))
        key: object = self.log_group_kms_key_id
        is_arn = isinstance(key, str) and key.startswith("arn:") and len(key) <= MAX_KMS_KEY_LENGTH
        if key is not None and not is_arn:
            allowed = (
                "None or the ARN of a KMS key, arn:aws:kms:... (no alias, up to 256 characters)"
            )
            raise ValueError(complaint("log_group_kms_key_id", key, allowed))
        if self.log_group_tags is not None:
            check_tags(self.log_group_tags)

    def _check_delivery(self) -> None:
        if self.entity is not None:
            self._set("entity", plain_entity(self.entity))
        if self.compression not in ("gzip", None):
            raise ValueError(complaint("compression", self.compression, "'gzip' or None"))
        on_drop: object = self.on_drop
        # It is called in a thread, where nothing would await a coroutine.
        if on_drop is not None and (not callable(on_drop) or iscoroutinefunction(on_drop)):
            allowed = "None or a function of one Lost, which is not async"
            raise TypeError(complaint("on_drop", on_drop, allowed))

    def _check_connection(self) -> None:
        check_text("region_name", self.region_name, "'eu-central-1'")
        check_text("profile_name", self.profile_name, "'production'")
        check_text("endpoint_url", self.endpoint_url, "'http://127.0.0.1:4566'")
        url = self.endpoint_url
        if url is not None and _USER.match(url):
            msg = "endpoint_url= must not contain a user or a password: requests are signed instead"
            raise ValueError(msg)
        if url is not None and not _ENDPOINT.match(url):
            allowed = "a URL that starts with http:// or https:// and names a host"
            raise ValueError(complaint("endpoint_url", url, allowed))
        check_aws("client", self.client, "put_log_events", "a 'logs' client, entered")
        check_aws("session", self.session, "create_client", "an aiobotocore.session.AioSession")
        check_aws("config", self.config, "merge", "an aiobotocore.config.AioConfig")
        if self.client is not None:
            for name in ("session", "region_name", "profile_name", "endpoint_url", "config"):
                if getattr(self, name) is not None:
                    allowed = "left out when client= is given: the client has its own"
                    raise ValueError(complaint(name, getattr(self, name), allowed))
        if self.session is not None and self.profile_name is not None:
            allowed = "left out when session= is given: the session has its own"
            raise ValueError(complaint("profile_name", self.profile_name, allowed))


NOT_BESIDE_A_FORMATTER: Final = (
    "left out when a formatter is set: it chooses the mode of the default one "
    "(write CloudWatchLogFormatter(structured=...) to have both)"
)
SETTING_NAMES: Final = tuple(setting.name for setting in fields(Settings) if setting.init)
_ENDPOINT: Final = re.compile(r"https?://[^/\s?#]", re.IGNORECASE)
_USER: Final = re.compile(r"[^/?#]*//[^/?#]*@")
