"""Ids, the activity constants and default durations.

Ids are cheap on purpose: a random prefix per process and a counter, so that the
path of a typed call does not pay for a uuid.
"""

from __future__ import annotations

import itertools
import math
import os
import secrets
from collections.abc import Callable

from paglets_nb.errors import ServiceContractError

__all__ = [
    "ACTIVE",
    "DEFAULT_TIMEOUT",
    "INACTIVE",
    "id_prefix",
    "message_id",
    "new_agent_id",
    "new_message_id",
    "new_message_number",
    "wrong_timeout",
]

ACTIVE = 1
INACTIVE = 2

DEFAULT_TIMEOUT = 60.0
"""Seconds a synchronous call waits for its reply unless it says otherwise."""


class _Ids:
    """A prefix of 8 random hex digits per process; what is counted behind it goes on in a child."""

    __slots__ = ("pid", "prefix")

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        self.pid = os.getpid()
        self.prefix = secrets.token_hex(4)


_ids = _Ids()
os.register_at_fork(after_in_child=_ids.renew)

new_message_number: Callable[[], int] = itertools.count(1).__next__
"""The number of a message; with ``id_prefix`` it makes an id."""


def new_message_id() -> str:
    """A message id, unique among all processes of a mesh."""
    return f"{_ids.prefix}{new_message_number():x}"


def message_id(prefix: str, number: int) -> str:
    """The id of a message that a process numbered."""
    return f"{prefix}{number:x}"


def id_prefix() -> str:
    """What every message id of this process begins with."""
    return _ids.prefix


def wrong_timeout(timeout: object) -> ServiceContractError | None:
    """The error for a time-out that is no number of seconds; None where it is one.

    Made where something has failed already, so that a call does not pay for it.
    """
    if isinstance(timeout, int | float) and not math.isnan(timeout):
        return None
    return ServiceContractError(f"timeout wants seconds as a number, got {timeout!r}")


def new_agent_id() -> str:
    """A paglet id: 16 hex digits, random."""
    return secrets.token_hex(8)
