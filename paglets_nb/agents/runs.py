"""A benchmark under way, as whoever started it holds it: what has come so far, the result, the end.

Owns the reader's side. The result so far is folded from the events that were drained, so
there is one whatever becomes of the parent.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Generic, TypeVar, cast

from paglets_nb.core.proxy import PagletProxy
from paglets_nb.errors import HostDiedError, InvalidAgentError, PagletError
from paglets_nb.patterns.drains import drain
from paglets_nb.patterns.operations import OperationClient
from paglets_nb.services.contracts import EmptyPayload, ServiceOperation

__all__ = ["PARENT_LOST", "BenchmarkRun"]

PARENT_LOST = (HostDiedError, InvalidAgentError)
"""What a call to a parent raises that ended with its host, or was disposed of."""
ResultT = TypeVar("ResultT")
_POLL = 0.25
_PAUSE = 0.1
_MARGIN = 60.0
_CLEANUP = 40.0
_DISPOSAL = 10.0


class BenchmarkRun(Generic[ResultT]):
    """Starts a benchmark and follows it; a context manager, which ends it.

    Args:
        proxy: a fresh ``PerformanceBenchmark`` or ``MovementBenchmark``.
        collect: its operation of that name.
        request: what to measure.

    Attributes:
        proxy: the benchmark's parent.
        events: what was drained so far.
    """

    def __init__(self, proxy: PagletProxy, collect: ServiceOperation, request: Any) -> None:
        self.proxy = proxy
        self.events: list[dict[str, Any]] = []
        self._client = OperationClient(proxy)
        self._result_type: Any = collect.reply_type
        self._cleanup = ServiceOperation("cleanup", EmptyPayload, collect.reply_type)
        self._future = self._client.submit(collect, request, timeout=request.timeout + _MARGIN)

    def so_far(self) -> ResultT:
        """What the events drained so far come to."""
        return cast("ResultT", self._result_type.from_events(self.events))

    def follow(self) -> Iterator[list[dict[str, Any]]]:
        """The events as they come, by the list, until the run has ended.

        There is a pause behind each list, so that reading is not what is measured.

        Raises:
            HostDiedError, InvalidAgentError: the parent's host has died.
        """
        ended = False
        while not ended:
            ended = self._future.is_available()
            after = self.events[-1]["cursor"] if self.events else 0
            for batch in drain(self.proxy, after_cursor=after, wait_timeout=_POLL, timeout=_POLL).batches():
                self.events += batch
                yield batch
                ended = ended or batch[-1]["event"] == "ended"
                time.sleep(0.0 if ended else _PAUSE)

    def result(self) -> ResultT:
        """The result, when the run has ended; where the parent was lost, what had come until then.

        Raises:
            HostError: the request wanted what cannot be.
            PagletError: what a call to the parent raises.
        """
        try:
            for _events in self.follow():
                pass
            return cast("ResultT", self._future.get_reply(_MARGIN))
        except PARENT_LOST as error:
            return self.lost(error)

    def lost(self, error: BaseException) -> ResultT:
        """What had come until the parent was lost."""
        return cast("ResultT", self._result_type.from_events(self.events).lost(error))

    def cancel(self) -> ResultT:
        """End the run now; what it has come to."""
        return cast("ResultT", self._client.call(self._cleanup, timeout=_CLEANUP))

    def close(self) -> None:
        """End the parent, and with it what it has made."""
        with suppress(PagletError, OSError):
            self.proxy.dispose(timeout=_DISPOSAL)

    def __enter__(self) -> BenchmarkRun[ResultT]:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()
