"""What ``rg --json`` writes, as objects.

Source of the format: ripgrep's documentation of its JSON printer
(https://docs.rs/grep-printer/latest/grep_printer/struct.JSON.html).
"""

from __future__ import annotations

import binascii

import msgspec

from paglets_nb.errors import SerializationError

__all__ = [
    "Begin",
    "Context",
    "End",
    "Line",
    "Match",
    "RipgrepMessage",
    "Submatch",
    "Summary",
    "Text",
    "Totals",
    "decode_lines",
]


class Text(msgspec.Struct, gc=False):
    """Text, or the base64 of what is not UTF-8.

    Attributes:
        text: the text; None where it is not UTF-8.
        base64: of the bytes then.
    """

    text: str | None = None
    base64: str | None = msgspec.field(default=None, name="bytes")

    def raw(self) -> bytes:
        """The bytes as they are in the file."""
        return (self.text or "").encode() if self.base64 is None else binascii.a2b_base64(self.base64)

    def readable(self) -> str:
        """The text, with what is not UTF-8 replaced."""
        return self.text if self.text is not None else self.raw().decode("utf-8", "replace")


class Submatch(msgspec.Struct, gc=False):
    """Where in a line a match is, in bytes from its begin."""

    start: int
    end: int


class Line(msgspec.Struct, gc=False):
    """A line of a file, with its line break.

    Attributes:
        line_number: from 1; None where rg did not count.
        submatches: the matches in it.
    """

    path: Text
    lines: Text
    line_number: int | None = None
    submatches: list[Submatch] = []


class _File(msgspec.Struct, gc=False):
    path: Text
    binary_offset: int | None = None


class Totals(msgspec.Struct, gc=False):
    """What a run found: files with a match, lines with one, matches; rg 14 counts no other files here."""

    searches_with_match: int = 0
    matched_lines: int = 0
    matches: int = 0


class _Run(msgspec.Struct, gc=False):
    stats: Totals


class Begin(msgspec.Struct, tag="begin", gc=False):
    """A file with a match begins."""

    data: _File


class Match(msgspec.Struct, tag="match", gc=False):
    """A line with a match."""

    data: Line


class Context(msgspec.Struct, tag="context", gc=False):
    """A line near one."""

    data: Line


class End(msgspec.Struct, tag="end", gc=False):
    """A file with a match ends."""

    data: _File


class Summary(msgspec.Struct, tag="summary", gc=False):
    """The run ends."""

    data: _Run


RipgrepMessage = Begin | Match | Context | End | Summary
_decoder = msgspec.json.Decoder(RipgrepMessage)


def decode_lines(lines: bytes) -> list[RipgrepMessage]:
    """The messages in whole lines.

    Raises:
        SerializationError: a line is none of rg's.
    """
    try:
        return _decoder.decode_lines(lines)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise SerializationError(f"rg wrote what is not its JSON: {error}") from error
