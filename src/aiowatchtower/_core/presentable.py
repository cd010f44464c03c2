"""What others have written, made fit to be printed and kept: masked, escaped, cut.

An answer may hold anything: a proxy that quotes the request with its session token, escape sequences
that rewrite a terminal, line breaks that forge lines of a log, or five megabytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote

MAX_CHARACTERS: Final = 1000
# Masking looks at no more than this.
_MAX_LOOKED_AT: Final = 65_536
_MASK: Final = "***"
# A shorter one would also mask ordinary words.
_MIN_SECRET: Final = 8

# User and password of an address.
_USER: Final = re.compile(r"//[^/@\s]+@")
# A name that says that a secret follows, as in headers, query strings, JSON and profiles.
_NAMED: Final = re.compile(
    r"(x-amz-security-token|x-amz-signature|(?:aws_?)?(?:session|security)_?token"
    r"|(?:aws_?)?secret_?access_?key|authorization|signature|password)"
    r"([\"']?\s*[:=]\s*[\"']?)(?:AWS4-HMAC-SHA256\s+)?[^\s\"',;&<>]+",
    re.IGNORECASE,
)
# Ids of access keys, and session tokens by how they begin.
_KEY_ID: Final = re.compile(r"\b(A[KS]IA)[A-Z0-9]{12,}\b")
_TOKEN: Final = re.compile(r"\b(?:IQoJ|FwoG|FQoG)[A-Za-z0-9+/=%_-]{32,}")
# Control characters, line separators, those that change the direction of text, lone surrogates.
_INVISIBLE: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)


def presentable(text: str, secrets: Iterable[str] = ()) -> str:
    """Return ``text`` without credentials, in printable characters, and not too long.

    ``secrets`` are the credentials in use, which are masked wherever they stand.
    """
    given = len(text)
    text = text[:_MAX_LOOKED_AT]
    for secret in secrets:
        if len(secret) >= _MIN_SECRET:
            text = text.replace(secret, _MASK).replace(quote(secret, safe=""), _MASK)
    text = _USER.sub(f"//{_MASK}@", text)
    text = _NAMED.sub(rf"\1\2{_MASK}", text)
    text = _TOKEN.sub(_MASK, text)
    text = _KEY_ID.sub(rf"\1{_MASK}", text)
    text = _INVISIBLE.sub(_escaped, text)
    if len(text) <= MAX_CHARACTERS and given <= _MAX_LOOKED_AT:
        return text
    return f"{text[:MAX_CHARACTERS]}... ({given} characters)"


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")
