"""The terms on which a paglet travels."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

__all__ = ["ArrivalMode", "TransferTicket"]


class ArrivalMode(Enum):
    """What becomes of the paglet at its target."""

    ACTIVATE = "activate"
    INACTIVE = "inactive"


@dataclass(frozen=True)
class TransferTicket:
    """Where to, and under which conditions.

    Attributes:
        destination: a host's name or address.
        timeout: seconds for each attempt.
        retries: further attempts after the first.
        retry_interval: seconds between attempts.
        required_capabilities: contracts the target must offer.
        expected_code_version: refuse a target that runs another version.
    """

    destination: str
    timeout: float = 10.0
    retries: int = 0
    retry_interval: float = 0.25
    required_capabilities: tuple[str, ...] = ()
    expected_code_version: str | None = None
    arrival_mode: ArrivalMode = ArrivalMode.ACTIVATE
