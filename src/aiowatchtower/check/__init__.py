"""``python -m aiowatchtower check``: would records arrive, and if not, what is the one thing to do?

It tries what delivery needs, with the credentials, region and endpoint that an application finds in
the same place, and by the code that delivers for an application: it puts one event, ``aiowatchtower
check <id>``, and creates the log stream when that is missing. It creates the log group with
``--create`` only, and neither with ``--no-create``. After a denial it goes on with the other calls that
delivery would need, so that all missing permissions are named at once.

The exit code is 0 when the event was accepted, 1 when it was not, and 2 for wrong usage. What
delivery does not need (identity, reading back) never makes it 1.

``--json`` prints one object. Keys may be added; these stay:

``delivers``
    true when the event was accepted: the exit code is 0.
``version``, ``log_group_name``, ``log_stream_name``
    Of this library, and where the event went.
``missing_permissions``
    The actions that AWS has denied, and those that such a call needs besides: a list.
``policy``
    A policy document that allows them, to be added to the role or user; null when none is missing.
``steps``
    In the order in which they depend on each other: ``credentials``, ``region``, ``endpoint``,
    ``identity``, ``CreateLogGroup``, ``CreateLogStream``, ``PutLogEvents``, ``GetLogEvents``,
    ``clock``; before them ``enabled``, when AIOWATCHTOWER_ENABLED switches delivery off, and after
    ``CreateLogGroup`` ``PutRetentionPolicy``, when a retention is asked for. Each has

    ``name``, ``status``
        The status is ``ok``, ``failed``, ``warning`` (delivery does not need it) or ``skipped``.
    ``detail``
        What was found, for people.
    ``error_code``, ``advice``
        AWS's code or one of ours, and what to do; "" when there is nothing to do.
    ``statement``
        The IAM statement that would allow what was denied, as an object; else null.
    ``facts``
        What was found, for machines. ``credentials``: ``source``, ``access_key_id`` (shortened),
        ``is_temporary``. ``region``: ``region``, ``source``. ``endpoint``: ``url``, ``source``,
        ``addresses``, ``proxy``. ``identity``: ``account``, ``arn``. ``CreateLogGroup`` and
        ``CreateLogStream``: ``created``, when the check has created it. ``clock``: ``skew_seconds``,
        positive when this machine's clock is behind.

No secret key and no session token is printed.
"""

from __future__ import annotations

from ._command import main

__all__ = ["main"]
