"""Where errors meet the notebook: one readable line, or the traceback of user code.

IPython prints exactly ``UsageError`` as one line. Whatever this project raises on purpose
becomes one; what code of the user raised, here or on a host, keeps its traceback.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from IPython.core.error import UsageError

from paglets_nb.codec.typed_text import did_you_mean
from paglets_nb.errors import PagletError, RemoteHostError

__all__ = ["did_you_mean", "one_line", "readable", "readable_errors"]

MAX_LINE = 800
"""Characters of a message beyond which its middle is left out."""


def one_line(error: BaseException | str) -> str:
    """An error's message with its line breaks folded."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= MAX_LINE else f"{text[: MAX_LINE // 3]} ... {text[-MAX_LINE // 2 :]}"


def readable(error: BaseException) -> BaseException:
    """The error as a notebook should see it.

    Args:
        error: anything; groups with a single member are opened.

    Returns:
        A UsageError for an error of this project, else the error itself.
    """
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    if isinstance(error, RemoteHostError) or not isinstance(error, PagletError):
        return error
    return UsageError(one_line(error))


@contextmanager
def readable_errors() -> Iterator[None]:
    """Raise what the block raises in its readable form."""
    try:
        yield
    except UsageError:
        raise
    except KeyboardInterrupt:
        raise UsageError("interrupted; what a paglet was asked to do goes on over there") from None
    except BaseException as error:
        shown = readable(error)
        if shown is error:
            raise
        raise shown.with_traceback(None) from None
