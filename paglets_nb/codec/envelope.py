"""Envelopes: what stands on a request beside its content."""

from __future__ import annotations

import msgspec

from paglets_nb.codec.wire import CODING_ERRORS
from paglets_nb.errors import FrameError

__all__ = [
    "HAS_ARG",
    "NO_DELAY",
    "NUMBERED",
    "ONEWAY",
    "STAY_INACTIVE",
    "TYPED",
    "Envelope",
    "decode_envelope",
    "encode_envelope",
]

ONEWAY = 1
NO_DELAY = 2
STAY_INACTIVE = 4
HAS_ARG = 8
TYPED = 16
NUMBERED = 32


class Envelope(msgspec.Struct, array_like=True, gc=False):
    """Whom a request is for and how it is to be delivered.

    Attributes:
        target: a paglet's id or name; empty for the host itself.
        kind: the message's kind, or the host's verb.
        message_id: unique among all processes of the mesh; of a NUMBERED one its beginning.
        timestamp: POSIX seconds of its making.
        priority: 0 to 10.
        flags: ONEWAY, NO_DELAY, STAY_INACTIVE, HAS_ARG, TYPED (encoded from a dataclass,
            so that its fields are known to be the type's own), NUMBERED (the frame's number
            ends the message's id, and the time is that of its arrival).
        origin: the notebook cell on whose behalf it is sent, empty when none.
        sender: (host_url, agent_id) of the paglet that speaks.
        reply_to: (host_url, agent_id) of whom a later answer should reach.
    """

    target: str
    kind: str
    message_id: str = ""
    timestamp: float = 0.0
    priority: int = 5
    flags: int = 0
    origin: str = ""
    sender: tuple[str, str] | None = None
    reply_to: tuple[str, str] | None = None


encode_envelope = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Envelope).decode


def decode_envelope(header: bytes) -> Envelope:
    """An envelope from a frame's header; FrameError when it is none."""
    try:
        return _decode(header)
    except CODING_ERRORS as error:
        raise FrameError(f"not an envelope: {error}") from error
