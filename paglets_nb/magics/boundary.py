"""Where errors meet the notebook: one readable line, or the traceback of user code.

IPython prints exactly ``UsageError`` as one line. Whatever this project raises on purpose
becomes one; what code of the user raised, here or on a host, keeps its traceback.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from IPython.core.error import UsageError

from paglets_nb.codec.typed_text import did_you_mean
from paglets_nb.core.tracebacks import without_own_frames
from paglets_nb.errors import CursorGapError, NotHandledError, PagletError, RemoteHostError

__all__ = ["did_you_mean", "not_on_hosts", "not_shipped", "one_line", "readable", "readable_errors"]

_ABOUT_THE_LINE = (CursorGapError, NotHandledError)
"""What a paglet refuses of a magic's line, in whichever of its methods."""
_UNKNOWN_NAME = re.compile(r"name '(\w+)' is not defined")
MAX_LINE = 800
"""Characters of a message beyond which its middle is left out."""


def one_line(error: BaseException | str) -> str:
    """An error's message with its line breaks folded."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= MAX_LINE else f"{text[: MAX_LINE // 3]} ... {text[-MAX_LINE // 2 :]}"


def not_on_hosts(message: str, namespace: Mapping[str, Any]) -> str:
    """What to do about a name that code on a host did not find, where the notebook has it; else empty."""
    found = _UNKNOWN_NAME.search(message)
    if found is None or found[1] not in namespace:
        return ""
    return (
        f"{found[1]} is defined in this notebook only: run its cell on the hosts too, under %%paglet on, "
        "or take %%paglet fanout, which sends along what a cell uses"
    )


def not_shipped(error: BaseException, namespace: Mapping[str, Any]) -> str:
    """What to do about a name that a handler did not find, where the notebook has it; else empty."""
    found = _UNKNOWN_NAME.search(str(error)) if isinstance(error, NameError) else None
    if found is None or found[1] not in namespace or not getattr(error, "remote_traceback", ""):
        return ""
    return (
        f"{found[1]} is defined in this notebook, but was not when the class was sent to its host: "
        "run the cell of the class again, then %paglet upgrade CLASS"
    )


def readable(error: BaseException) -> BaseException:
    """The error as a notebook should see it.

    Args:
        error: anything; groups with a single member are opened.

    Returns:
        A UsageError for an error of this project, else the error itself.
    """
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return UsageError(one_line(error)) if isinstance(error, PagletError) and not _of_user_code(error) else error


def _of_user_code(error: PagletError) -> bool:
    """Whether code of the user raised it, here or in a handler, rather than this project for what it was given."""
    if isinstance(error, RemoteHostError) or not type(error).__module__.startswith("paglets_nb."):
        return True
    return bool(getattr(error, "remote_traceback", "")) and not isinstance(error, _ABOUT_THE_LINE)


class readable_errors:  # noqa: N801 - used as a function
    """Raise what the block raises in its readable form, without this package's frames where user code raised it."""

    def __init__(self, namespace: Mapping[str, Any] | None = None) -> None:
        self._namespace = namespace or {}

    def __enter__(self) -> None:
        return None

    def __exit__(self, _type: object, error: BaseException | None, _traceback: object) -> None:
        if error is None or isinstance(error, UsageError):
            return
        if isinstance(error, KeyboardInterrupt):
            raise UsageError("interrupted; what a paglet was asked to do goes on over there") from None
        shown = readable(error)
        if shown is not error:
            raise shown.with_traceback(None) from None
        if hint := not_shipped(error, self._namespace):
            error.add_note(hint)
        error.__traceback__ = without_own_frames(error)
