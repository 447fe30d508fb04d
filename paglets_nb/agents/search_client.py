"""A search as its user holds it: hits as they come, totals, tables, a plot.

Owns ``Search``, the reader's side. It must not know how hosts search.
"""

from __future__ import annotations

import dataclasses
import importlib
import os
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, overload

from paglets_nb.agents.search import MeshSearch
from paglets_nb.agents.search_types import (
    CANCEL,
    CLEANUP,
    DRAIN,
    START,
    SUMMARY,
    SearchHit,
    SearchMode,
    SearchRequest,
    SearchSummary,
    hit_of,
)
from paglets_nb.core.proxy import PagletProxy
from paglets_nb.errors import PagletError, SearchError
from paglets_nb.patterns.drains import Drain, drain
from paglets_nb.patterns.operations import OperationClient
from paglets_nb.plots import Plot, altair

__all__ = ["Search", "begin", "resume"]

SHOWN = 50
"""Hits that a picture of a search shows."""
_POLL = 1.0
_BATCH = 5_000
_START_TIMEOUT = 60.0
_END_TIMEOUT = 10.0
_OTHER = "(none)"


def request_of(pattern: str, paths: Sequence[str], options: dict[str, Any]) -> SearchRequest:
    """The request; SearchError names an option that there is not."""
    known = {field.name for field in dataclasses.fields(SearchRequest)} - {"pattern", "paths"}
    context = options.pop("context", None)
    if context is not None:
        options = {"before": context, "after": context, **options}
    for name in options:
        if name not in known:
            raise SearchError(f"a search has no option {name!r} (options: context, {', '.join(sorted(known))})")
    for name in ("types", "types_not", "globs", "targets"):
        if isinstance(options.get(name), str):
            options[name] = [options[name]]
    return SearchRequest(pattern, [os.fspath(path) for path in paths] or ["."], **options)


def begin(
    mesh: Any, pattern: str, paths: Sequence[str], *, name: str = "", keep: bool = False, **options: Any
) -> Search:
    """Create the search's paglet and start it.

    Args:
        mesh: creates paglets.
        pattern: what to search for.
        paths: where.
        name: the paglet's, so that others can drain it too.
        keep: leave the paglet there after its last hit was read; so does a name.
        **options: see ``grep``.
    """
    request = request_of(pattern, paths, options)
    proxy = mesh.create(MeshSearch, name=name)
    try:
        started = OperationClient(proxy).call(START, request, timeout=_START_TIMEOUT)
    except BaseException:
        with suppress(PagletError, OSError):
            proxy.dispose(timeout=_END_TIMEOUT)
        raise
    return Search(proxy, hosts=started.hosts, mode=request.mode, keep=keep or bool(name))


def resume(proxy: PagletProxy, after_cursor: int = 0) -> Search:
    """A search that runs already, or has ended, read from a cursor on; its paglet is kept."""
    return Search(proxy, after_cursor=after_cursor, keep=True)


class Search:
    """A search and the hits that were read of it so far.

    Iterating, with ``for`` or ``async for``, gives every hit from the first that was asked
    for, waiting for those to come; ``len``, indexes and tables speak of those read so far.
    When the last one was read, the search's paglet is disposed of unless it is kept.

    Args:
        proxy: the search's paglet.
        after_cursor: hits up to this one are not read.
        hosts: those that search.
        mode: what a hit is.
        keep: leave the paglet there.
    """

    def __init__(
        self,
        proxy: PagletProxy,
        *,
        after_cursor: int = 0,
        hosts: Sequence[str] = (),
        mode: SearchMode = SearchMode.LINES,
        keep: bool = False,
    ) -> None:
        self.proxy = proxy
        self.hosts = list(hosts)
        self.mode = mode
        self.keep = keep
        self._client = OperationClient(proxy)
        self._drain: Drain = drain(proxy, DRAIN, after_cursor, limit=_BATCH, wait_timeout=_POLL)
        self._events: list[dict[str, Any]] = []
        self._summary: SearchSummary | None = None

    # ---- reading

    @property
    def cursor(self) -> int:
        """Of the last hit that was read; ``resume`` goes on behind it."""
        return self._drain.cursor

    @property
    def complete(self) -> bool:
        """Whether every hit was read and the search has ended."""
        return self._summary is not None

    def __iter__(self) -> Iterator[SearchHit]:
        at = 0
        batches = self.batches()
        while True:
            while at < len(self._events):
                at += 1
                yield hit_of(self._events[at - 1])
            if next(batches, None) is None and at >= len(self._events):
                return

    async def __aiter__(self) -> AsyncIterator[SearchHit]:
        at = 0
        batches = self._batches_async()
        while True:
            while at < len(self._events):
                at += 1
                yield hit_of(self._events[at - 1])
            if await anext(batches, None) is None and at >= len(self._events):
                return

    def batches(self) -> Iterator[int]:
        """Read on; the number of hits in each batch that comes, until there are no more."""
        if not self.complete:
            for events in self._drain.batches():
                self._events += events
                yield len(events)
            self._finish(self._client.call(SUMMARY, timeout=_END_TIMEOUT))

    async def _batches_async(self) -> AsyncIterator[int]:
        if not self.complete:
            async for events in self._drain.batches_async():
                self._events += events
                yield len(events)
            self._finish(await self._client.call_async(SUMMARY, timeout=_END_TIMEOUT), dispose=False)
            if not self.keep:
                with suppress(PagletError, OSError):
                    await self.proxy.dispose_async(timeout=_END_TIMEOUT)

    def _finish(self, summary: SearchSummary, *, dispose: bool = True) -> None:
        self._summary = summary
        if dispose and not self.keep:
            self._dispose()
        failed = [totals for totals in summary.hosts if totals.status == "failed"]
        if len(failed) == len(summary.hosts) and not summary.hits:
            raise SearchError("; ".join(dict.fromkeys(summary.errors.values())) or "no host could search")

    def wait(self) -> Search:
        """Read to the end; itself.

        Raises:
            SearchError: no host could search.
        """
        for _count in self.batches():
            pass
        return self

    # ---- steering

    def summary(self) -> SearchSummary:
        """Where the search stands, with each host's totals."""
        if self._summary is not None:
            return self._summary
        summary: SearchSummary = self._client.call(SUMMARY, timeout=_END_TIMEOUT)
        return summary

    def cancel(self) -> SearchSummary:
        """Stop it on every host; what was found can still be read."""
        if self._summary is not None:
            return self._summary
        summary: SearchSummary = self._client.call(CANCEL, timeout=_END_TIMEOUT)
        return summary

    def stop(self, *, timeout: float = 5.0) -> Search:
        """Cancel it and read what was found until then, for ``timeout`` seconds at most; itself."""
        if self._summary is None:
            self.cancel()
            self._drain.timeout = timeout
            with suppress(SearchError):
                self.wait()
        return self

    def close(self) -> None:
        """Stop it and dispose of its paglets; what was read stays. Harmless when it has ended."""
        if self._summary is None:
            with suppress(PagletError, OSError):
                self._client.call(CLEANUP, timeout=_END_TIMEOUT)
                self._summary = self._client.call(SUMMARY, timeout=_END_TIMEOUT)
        self._dispose()

    def _dispose(self) -> None:
        with suppress(PagletError, OSError):
            self.proxy.dispose(timeout=_END_TIMEOUT)

    def __enter__(self) -> Search:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    # ---- what was read

    def __len__(self) -> int:
        return len(self._events)

    def __bool__(self) -> bool:
        return True

    @overload
    def __getitem__(self, index: int) -> SearchHit: ...
    @overload
    def __getitem__(self, index: slice) -> list[SearchHit]: ...
    def __getitem__(self, index: int | slice) -> SearchHit | list[SearchHit]:
        if isinstance(index, slice):
            return [hit_of(event) for event in self._events[index]]
        return hit_of(self._events[index])

    def rows(self) -> list[dict[str, Any]]:
        """The hits as plain dicts, one for each."""
        return [dataclasses.asdict(hit_of(event)) for event in self._events]

    def to_frame(self) -> Any:
        """The hits as a pandas DataFrame; PagletError where pandas is not installed."""
        try:
            pandas = importlib.import_module("pandas")
        except ImportError as error:
            raise PagletError("frames need pandas; install it with: pip install pandas") from error
        return pandas.DataFrame(self.rows(), columns=[field.name for field in dataclasses.fields(SearchHit)])

    def plot(self) -> Plot:
        """Hits by host and kind of file, as bars."""
        counts = Counter((event["host"], os.path.splitext(event["path"])[1] or _OTHER) for event in self._events)
        rows = [{"host": host, "kind": kind, "hits": hits} for (host, kind), hits in counts.most_common()]
        text = ", ".join(f"{row['kind']} on {row['host']}: {row['hits']}" for row in rows) or "no hits"
        alt = altair()
        chart = alt.Chart(alt.Data(values=rows)).mark_bar()
        chart = chart.encode(x="hits:Q", y=alt.Y("kind:N", sort="-x", title="files"), color="host:N", row="host:N")
        return Plot(chart, f"hits by kind of file: {text}")

    def headline(self) -> str:
        """Where it stands, in one line, without asking the hosts."""
        if self._summary is not None:
            return str(self._summary)
        read = f"{len(self):,} {'hit' if len(self) == 1 else 'hits'} read"
        return f"{read} so far{f' on {names}' if (names := ', '.join(self.hosts)) else ''}"

    def __repr__(self) -> str:
        several = len({event["host"] for event in self._events[:SHOWN]}) > 1
        lines = [f"{hit.host} {hit}" if several else str(hit) for hit in self[:SHOWN]]
        if len(self) > SHOWN:
            lines.append(f"... and {len(self) - SHOWN:,} more")
        return "\n".join([*lines, self.headline()])
