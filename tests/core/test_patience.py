"""How long a stream's puts may take after others had no answer."""

from __future__ import annotations

from aiowatchtower._core.patience import Patience


def test_each_put_without_an_answer_doubles_the_time():
    """Nine seconds become eighteen, thirty-six, and sixty at most."""
    patience = Patience()
    seen = []
    for _ in range(5):
        seen.append(patience.seconds("web"))
        patience.timed_out("web")
    assert seen == [9.0, 18.0, 36.0, 60.0, 60.0]


def test_other_streams_have_the_usual_time():
    """A slow stream says nothing of the others."""
    patience = Patience()
    patience.timed_out("web")
    assert patience.seconds("jobs") == 9.0


def test_quick_answers_take_the_time_back():
    """Each answer within a quarter of the time halves it again; a slow answer leaves it as it is."""
    patience = Patience()
    patience.timed_out("web")
    patience.timed_out("web")
    patience.answered("web", 13.0)
    assert patience.seconds("web") == 36.0
    patience.answered("web", 1.0)
    assert patience.seconds("web") == 18.0
    patience.answered("web", 1.0)
    patience.answered("web", 1.0)
    assert patience.seconds("web") == 9.0


def test_what_is_remembered_is_bounded():
    """The latest thousand slow streams are remembered."""
    patience = Patience()
    for number in range(1_001):
        patience.timed_out(f"stream-{number}")
    assert patience.seconds("stream-0") == 9.0
    assert patience.seconds("stream-1") == 18.0
