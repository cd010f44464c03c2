"""Cutting a message to a size, as text and as JSON."""

from __future__ import annotations

import json
import re
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aiowatchtower._text.truncate import replace_surrogates, truncate, utf8_size

_HIGH, _LOW = "\ud83d", "\ude00"

texts = st.text(st.characters(exclude_categories=()), max_size=400)
limits = st.integers(64, 400)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(texts, inner, max_size=6),
    max_leaves=12,
)
objects = st.dictionaries(texts, values, max_size=8)


def _refuse(constant: str) -> object:
    raise AssertionError(constant)


def _load(text: str) -> dict[str, object]:
    loaded = json.loads(text, parse_constant=_refuse)
    assert isinstance(loaded, dict)
    return loaded


@pytest.mark.parametrize(
    ("text", "size"),
    [("", 0), ("abc", 3), ("é", 2), ("€", 3), ("😀", 4), (_HIGH, 3), (_LOW + "a", 4)],
)
def test_size_is_counted_in_utf8_bytes(text: str, size: int) -> None:
    """The size is that of the UTF-8 bytes, and a lone surrogate counts as its replacement does."""
    assert utf8_size(text) == size


@pytest.mark.parametrize(
    ("text", "replaced"),
    [
        ("plain", "plain"),
        ("é😀", "é😀"),
        (_HIGH + _LOW, "😀"),
        (_LOW + _HIGH, "\ufffd\ufffd"),
        (f"a{_HIGH}b", "a\ufffdb"),
        (f"a{_HIGH}", "a\ufffd"),
        (f"{_HIGH}{_HIGH}{_LOW}", "\ufffd😀"),
    ],
)
def test_surrogates_are_joined_or_replaced(text: str, replaced: str) -> None:
    """A pair of surrogates becomes its character, a lone one U+FFFD, and nothing else changes."""
    assert replace_surrogates(text) == replaced


@given(texts)
def test_any_text_encodes_once_its_surrogates_are_replaced(text: str) -> None:
    """Whatever comes out encodes, is no larger than was counted, and keeps all that was sound."""
    pairs = re.split("([\ud800-\udbff][\udc00-\udfff])", text)
    pairs[1::2] = [
        chr(0x10000 + (ord(p[0]) - 0xD800) * 0x400 + ord(p[1]) - 0xDC00) for p in pairs[1::2]
    ]
    replaced = replace_surrogates(text)
    assert replaced == re.sub("[\ud800-\udfff]", "\ufffd", "".join(pairs))
    assert len(replaced.encode()) <= utf8_size(text)


def test_a_text_that_fits_is_returned_as_it_is() -> None:
    """A message of exactly the limit is not touched."""
    message = "é" * 50
    assert truncate(message, 100) is message


def test_a_text_is_cut_and_says_how_much_is_missing() -> None:
    """The marker names the bytes that are missing and the size of the whole."""
    cut = truncate("x" * 3_145_728, 1_048_576)
    assert utf8_size(cut) <= 1_048_576
    kept = len(cut) - len(cut.lstrip("x"))
    assert cut == "x" * kept + f" [aiowatchtower: cut {3_145_728 - kept} of 3145728 bytes]"
    assert kept > 1_048_500


@pytest.mark.parametrize("limit", range(100, 104))
@pytest.mark.parametrize("character", ["é", "€", "😀"])
def test_a_text_is_cut_between_characters(character: str, limit: int) -> None:
    """No character is cut in half, wherever the limit falls."""
    assert set(truncate(character * 99, limit).partition(" ")[0]) == {character}


def test_a_text_that_looks_like_json_is_cut_as_text() -> None:
    """What starts with a brace but is no JSON object gets the marker of a text."""
    for message in ("{name} " + "x" * 200, '{"a": NaN, "b": "' + "x" * 200 + '"}'):
        assert truncate(message, 100).endswith("bytes]")


def test_json_nested_too_deep_to_be_read_is_cut_as_text() -> None:
    """An object that json cannot read is still cut to the limit; from 3.15 on it reads 65 024 levels."""
    message = '{"a":' * 200_000 + "1" + "}" * 200_000
    assert truncate(message, 100).endswith(" of 1200001 bytes]")


def test_the_longest_strings_of_an_object_give_way_first() -> None:
    """Short values, keys, numbers and white space come through as they were written."""
    ident, body = f"{UUID(int=1)}!", "x" * 900
    value = {"id": ident, "price": 1.5, "body": body, "deep": [{"body": "y" * 800}]}
    message = json.dumps(value).replace("1.5", "1.50")
    loaded = _load(cut := truncate(message, 400))
    assert f'{{"id": "{ident}", "price": 1.50, "body": "xxx' in cut
    assert body.startswith(shortened := str(loaded["body"]).removesuffix("…"))
    assert loaded["deep"] == [{"body": "y" * len(shortened) + "…"}]
    assert re.fullmatch(rf"cut \d+ of {len(message)} bytes", str(loaded["aiowatchtower_cut"]))
    assert utf8_size(cut) in (399, 400)


def test_keys_are_never_shortened() -> None:
    """A long key is not taken for a value."""
    key = "k" * 100
    assert key in _load(truncate(json.dumps({key: "v" * 300, f"{key}:": "w"}), 400))


def test_numbers_of_any_length_and_equal_keys_are_kept() -> None:
    """An object is cut without being rewritten: its other parts stay as they are."""
    message = f'{{"n":{"9" * 5_000},"a":1,"a":2,"s":"{"x" * 5_000}"}}'
    assert '9,"a":1,"a":2,"s":"x' in truncate(message, 6_000)


@pytest.mark.parametrize("unit", ['"', "\\", "\n", "\x00", "é", "€", "😀", '\\"', "\\u"])
@pytest.mark.parametrize("ensure_ascii", [True, False])
@pytest.mark.parametrize("limit", range(200, 213))
def test_a_string_is_cut_between_escapes(unit: str, ensure_ascii: bool, limit: int) -> None:
    """The cut falls inside no escape and between no two that make one character."""
    message = json.dumps({"m": unit * 300}, ensure_ascii=ensure_ascii)
    shortened = str(_load(truncate(message, limit))["m"]).removesuffix("…")
    assert shortened
    assert (unit * 300).startswith(shortened)
    assert replace_surrogates(shortened) == shortened


def test_an_object_without_long_strings_becomes_its_head() -> None:
    """Where shortening strings is not enough, the beginning is kept as text in valid JSON."""
    message = json.dumps({str(number): number for number in range(1_000)})
    cut = truncate(message, 200)
    loaded = _load(cut)
    assert list(loaded) == ["head", "aiowatchtower_cut"]
    assert message.startswith(str(loaded["head"]))
    assert 150 < utf8_size(cut) <= 200


def test_an_object_of_nothing_is_cut() -> None:
    """White space alone can make an object too large."""
    assert _load(truncate("{" + " " * 200 + "}", 100))["aiowatchtower_cut"]


def test_the_smallest_limit_leaves_room_for_the_marker_alone() -> None:
    """In 64 bytes an object of any size still says what happened to it."""
    message = '{"a":1' + " " * 99 + ',"aiowatchtower_cut":"cut 1 of 999999999999 bytes"}'
    cut = _load(truncate(message, 64))
    assert cut == {"aiowatchtower_cut": "cut 999999999997 of 999999999999 bytes"}


@pytest.mark.parametrize(
    "message", ["x" * 999, json.dumps({"m": "x" * 990}), json.dumps([9] * 333)]
)
def test_a_message_cut_again_names_its_first_size(message: str) -> None:
    """A second cut replaces the marker of the first."""
    again = truncate(truncate(message, 500), 300)
    assert again == truncate(message, 300)
    assert again.count("aiowatchtower") == 1
    assert "of 999 bytes" in again


def test_a_marker_that_cannot_be_true_is_ordinary_text() -> None:
    """A message that only ends like a cut one is measured as it is."""
    message = "x" * 500 + " [aiowatchtower: cut 1 of 2 bytes]"
    assert truncate(message, 100).endswith(f" of {len(message)} bytes]")


@given(texts, limits)
@example("x" * 400, 64)
def test_any_text_fits_its_limit(text: str, limit: int) -> None:
    """What fits is untouched; what does not fit is cut, marked, and a beginning of the text."""
    cut = truncate(text, limit)
    assert utf8_size(cut) <= limit
    if utf8_size(text) <= limit:
        assert cut == text
    elif not text.startswith("{"):
        kept, _, mark = cut.rpartition(" [aiowatchtower: cut ")
        assert text.startswith(kept)
        assert mark == f"{utf8_size(text) - utf8_size(kept)} of {utf8_size(text)} bytes]"


@given(objects, limits, st.booleans(), st.sampled_from([None, 1]))
def test_any_object_stays_a_valid_object(
    value: dict[str, object], limit: int, ascii_only: bool, indent: int | None
) -> None:
    """An object that does not fit comes out within the limit, valid and marked."""
    message = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    cut = truncate(message, limit)
    assert utf8_size(cut) <= limit
    if utf8_size(message) <= limit:
        assert cut == message
    else:
        assert str(_load(cut)["aiowatchtower_cut"]).endswith(f" of {utf8_size(message)} bytes")
