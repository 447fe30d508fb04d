"""The traceback of a user's error, without the frames of this package, and where errors of paglets are told."""

from __future__ import annotations

import importlib
import os
import sysconfig
import traceback
from collections.abc import Callable
from types import TracebackType

from paglets_nb.errors import NotHandledError

__all__ = [
    "MAX_TRACEBACK",
    "format_user_traceback",
    "has_user_frames",
    "is_ours",
    "tell_failure",
    "told_failures",
    "without_own_frames",
]

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_STANDARD = os.path.abspath(sysconfig.get_path("stdlib")) + os.sep
_PACKAGES = tuple(os.path.abspath(sysconfig.get_path(name)) + os.sep for name in ("purelib", "platlib"))
MAX_TRACEBACK = 64 * 1024
"""Characters kept of a traceback; the end is what matters."""


def is_ours(filename: str) -> bool:
    """Whether a source file belongs to this package."""
    return os.path.abspath(filename).startswith(_PACKAGE)


def _is_shown(filename: str) -> bool:
    """Whether a frame of this source file tells the user anything: not of this package, nor of how modules load."""
    return not (is_ours(filename) or filename == importlib.__file__ or filename.startswith("<frozen importlib"))


def _is_standard(filename: str) -> bool:
    """Whether a source file is of the standard library."""
    path = os.path.abspath(filename)
    return filename.startswith("<frozen ") or (path.startswith(_STANDARD) and not path.startswith(_PACKAGES))


def has_user_frames(error: BaseException) -> bool:
    """Whether any of the error's frames is in code that is neither this package's nor the standard library's."""
    return any(
        not is_ours(frame.filename) and not _is_standard(frame.filename)
        for frame in traceback.extract_tb(error.__traceback__)
    )


def _is_users(filename: str) -> bool:
    """Whether a source file is neither this package's nor installed."""
    return not (is_ours(filename) or _is_standard(filename) or os.path.abspath(filename).startswith(_PACKAGES))


def without_own_frames(error: BaseException) -> TracebackType | None:
    """An error's traceback without this package's frames, if user code had a part in it, here or elsewhere."""
    entries, trace = [], error.__traceback__
    while trace is not None:
        entries.append(trace)
        trace = trace.tb_next
    if not getattr(error, "remote_traceback", "") and not any(
        _is_users(entry.tb_frame.f_code.co_filename) for entry in entries
    ):
        return error.__traceback__
    kept = None
    for entry in reversed(entries):
        if _is_shown(entry.tb_frame.f_code.co_filename):
            kept = TracebackType(kept, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
    return kept


def format_user_traceback(error: BaseException) -> str:
    """The traceback without this package's own frames; with all of them where there are no others."""
    described = traceback.TracebackException.from_exception(error)
    user = [frame for frame in described.stack if _is_shown(frame.filename)]
    if user:
        described.stack = traceback.StackSummary.from_list(user)
    return "".join(described.format())[-MAX_TRACEBACK:]


class _Told:
    """Who is told of the errors of paglets' code; a kernel sets it."""

    __slots__ = ("listener",)

    def __init__(self) -> None:
        self.listener: Callable[[str, str | None, BaseException], None] | None = None


told_failures = _Told()
"""Its listener gets a paglet's id, the cell that is to show the error, or None, and the error."""


def tell_failure(agent_id: str, cell: str | None, error: BaseException) -> None:
    """Tell of an error in a paglet's own code, where somebody listens.

    Args:
        agent_id: the paglet.
        cell: the notebook cell for which it ran; None where somebody else shows the error there.
        error: what was raised.
    """
    if told_failures.listener is not None and has_user_frames(error) and not isinstance(error, NotHandledError):
        told_failures.listener(agent_id, cell, error)
