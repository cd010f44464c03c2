"""The values that travel, and the errors that are values too."""

from __future__ import annotations

import gc
from dataclasses import FrozenInstanceError

import pytest

from aiowatchtower import CloudWatchLoggingError, DeliveryError, Lost, SetupError
from aiowatchtower._core.events import Batch, Receipt

ONE, TWO = ("web", 1_000, "a", 27, 0), ("web", 3_000, "bé", 29, 0)
OTHER = ("jobs", 2_000, "c", 27, 0)


def test_a_batch_knows_its_size_as_aws_counts_it():
    """The size is the sum of what each event counts for."""
    assert Batch.of("web", [ONE, TWO]).size_bytes == 56


def test_a_loss_tells_what_when_and_how_much():
    """The events behind a loss are summed up, with the texts that are still there."""
    error = DeliveryError("PutLogEvents", "InvalidParameterException", "no")
    lost = Lost.of("refused", [TWO, ONE], error)
    assert lost == Lost("refused", "web", 2, 56, 1_000, 3_000, ["bé", "a"], error)


def test_a_loss_over_several_streams_names_none():
    """With events of more than one stream, there is no stream to name."""
    lost = Lost.of("shutdown", [ONE, OTHER])
    assert (lost.stream, lost.count, lost.error) == ("", 2, None)


def test_a_receipt_counts_as_delivered_what_has_no_other_fate():
    """Delivered is what was neither rejected nor dropped."""
    batch = Batch.of("web", [ONE] * 5)
    assert Receipt(batch).delivered == 5
    assert (
        Receipt(batch, rejected={"too_old": 1, "too_new": 1}, dropped={"refused": 1}).delivered == 2
    )


def test_values_do_not_change():
    """A batch or a loss cannot be altered on its way."""
    with pytest.raises(AttributeError):
        Batch.of("web", [ONE]).stream = "jobs"  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        Lost.of("shutdown", [ONE]).count = 0  # type: ignore[misc]


def test_the_garbage_collector_does_not_track_events():
    """A full buffer of events costs the garbage collector nothing."""
    event = (str(1), int("1000"), "text" * 2, 34)
    gc.collect()
    assert not gc.is_tracked(event)


@pytest.mark.parametrize(
    ("about", "text"),
    [
        ({}, "PutLogEvents failed: Timeout: no answer"),
        ({"resource": "/app:web"}, "PutLogEvents on /app:web failed: Timeout: no answer"),
        (
            {"resource": "/app:web", "status": 503},
            "PutLogEvents on /app:web failed (HTTP 503): Timeout: no answer",
        ),
    ],
)
def test_a_delivery_error_says_what_failed_where(about, text):
    """The text names the action, the resource if there is one, the status if there was one."""
    error = DeliveryError("PutLogEvents", "Timeout", "no answer", **about)
    assert str(error) == text
    assert error.args == ("PutLogEvents", "Timeout", "no answer")


def test_errors_have_one_base():
    """Whatever this library raises or carries is a CloudWatchLoggingError."""
    assert issubclass(SetupError, CloudWatchLoggingError)
    assert issubclass(DeliveryError, CloudWatchLoggingError)
