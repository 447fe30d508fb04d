"""One cell of a grid: what is asked of which host, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from paglets_nb.errors import RemoteHostError

__all__ = ["ENDED", "FAILED", "NOT_RUN", "OK", "RUNNING", "UNKNOWN", "WAITING", "Cell"]

WAITING, RUNNING, OK, FAILED, UNKNOWN, NOT_RUN = "waiting", "running", "ok", "failed", "unknown", "not run"
ENDED = (OK, FAILED, UNKNOWN, NOT_RUN)
"""How a cell can end: answered; refused, or never delivered; delivered, but what became of it is not known;
never sent, since its user ended the run before its turn came."""


@dataclass(slots=True)
class Cell:
    """One request to one host.

    Attributes:
        number: its place in the grid, from 0.
        fields: what is asked, by field name.
        repeat: which repetition it is, from 0.
        host: where it ran or will run; empty where the first host that is free takes it.
        state: ``waiting``, ``running``, ``ok``, ``failed``, ``unknown`` or ``not run``.
        value: the reply of one that is ok.
        error: type and message of one that is not.
        exception: the error itself; None once results were saved and loaded.
        sent: seconds from the beginning of the run until it was sent; None where it never was.
        queued: seconds of ``total`` that were not the handler's: the way there and back, and waiting.
        run: seconds that the handler ran, measured on its host; None where the host does not tell.
        total: seconds from just before it was sent until its reply was in hand.
        attempts: how often it was sent.
    """

    number: int
    fields: dict[str, Any]
    repeat: int = 0
    host: str = ""
    state: str = WAITING
    value: Any = None
    error: str = ""
    exception: BaseException | None = field(default=None, repr=False, compare=False)
    sent: float | None = None
    queued: float | None = None
    run: float | None = None
    total: float | None = None
    attempts: int = 0

    @property
    def ok(self) -> bool:
        """Whether it was answered."""
        return self.state == OK

    @property
    def ended(self) -> bool:
        """Whether it is ok, failed, unknown or not run."""
        return self.state in ENDED

    def succeed(self, value: Any, total: float, run: float | None) -> None:
        """It was answered."""
        self.state, self.value, self.total = OK, value, total
        if run is not None:
            self.run = min(run, total)
            self.queued = total - self.run

    def fail(self, state: str, error: BaseException, total: float | None = None) -> None:
        """It failed, was not run, or what became of it is not known."""
        self.state, self.exception, self.total = state, error, total
        told = isinstance(error, RemoteHostError)  # then the text begins with the type
        self.error = str(error) if told else f"{type(error).__name__}: {error}"

    def reset(self) -> None:
        """It is to be done again."""
        self.state, self.value, self.error, self.exception = WAITING, None, "", None
        self.sent = self.queued = self.run = self.total = None
