"""Types of what users write and read: for annotations of settings and of what is done with ``Statistics``."""

from __future__ import annotations

from ._core.choices import DropReason, LevelName, LogGroupClass, RejectReason, RetentionDays

__all__ = ["DropReason", "LevelName", "LogGroupClass", "RejectReason", "RetentionDays"]
