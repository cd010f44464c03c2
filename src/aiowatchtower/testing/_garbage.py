"""What comes back when something other than CloudWatch Logs answers."""

from __future__ import annotations

from typing import NamedTuple

_HTML = b"<html><head><title>%s</title></head><body><h1>%s</h1></body></html>"


class Nonsense(NamedTuple):
    """An answer that AWS would never give."""

    status: int
    body: bytes
    content_type: str = "application/x-amz-json-1.1"


GARBAGE = {
    "html_200": Nonsense(200, _HTML % (b"Sign in", b"Welcome to our network"), "text/html"),
    "html_502": Nonsense(502, _HTML % (b"502 Bad Gateway", b"502 Bad Gateway"), "text/html"),
    "empty_200": Nonsense(200, b""),
    "truncated_200": Nonsense(200, b'{"nextSequenceToken": "0000'),
    "empty_413": Nonsense(413, b""),
}
NOT_HTTP = b"220 mail.example.com ESMTP\r\n"
