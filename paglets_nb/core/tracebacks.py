"""The traceback of a user's error, without the frames of this package."""

from __future__ import annotations

import os
import traceback

__all__ = ["MAX_TRACEBACK", "format_user_traceback", "has_user_frames", "is_ours"]

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
MAX_TRACEBACK = 64 * 1024
"""Characters kept of a traceback; the end is what matters."""


def is_ours(filename: str) -> bool:
    """Whether a source file belongs to this package."""
    return os.path.abspath(filename).startswith(_PACKAGE)


def has_user_frames(error: BaseException) -> bool:
    """Whether any of the error's frames is in code that is not this package's."""
    return any(not is_ours(frame.filename) for frame in traceback.extract_tb(error.__traceback__))


def format_user_traceback(error: BaseException) -> str:
    """The traceback without this package's own frames; with all of them where there are no others."""
    described = traceback.TracebackException.from_exception(error)
    user = [frame for frame in described.stack if not is_ours(frame.filename)]
    if user:
        described.stack = traceback.StackSummary.from_list(user)
    return "".join(described.format())[-MAX_TRACEBACK:]
