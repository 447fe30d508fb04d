"""Exceptions on their way to the caller.

An error crosses as its type's name, arguments, attributes and traceback text. It comes
back as the same type where that is known here, else as RemoteHostError; always with the
remote traceback, which it also renders in a notebook.
"""

from __future__ import annotations

import builtins
import os
import sys
import traceback
from types import MethodType
from typing import Any

import msgspec

from paglets_nb import errors
from paglets_nb.codec import payload, wire
from paglets_nb.codec.names import qualified_name
from paglets_nb.codec.wire import CODING_ERRORS
from paglets_nb.core.tracebacks import MAX_TRACEBACK, format_user_traceback, has_user_frames, is_ours
from paglets_nb.errors import PagletError, RemoteHostError, SerializationError

__all__ = ["RemoteTraceback", "decode_error", "encode_error"]

_OURS = ("remote_traceback", "remote_host")
_in_band = msgspec.msgpack.Encoder(enc_hook=wire.encode_hook).encode


class Failure(msgspec.Struct, array_like=True):
    """An exception in wire form."""

    type_name: str
    message: str
    args: Any
    attributes: Any
    traceback: str
    where: str


class RemoteTraceback(Exception):  # noqa: N818 - it is no error but the text of one
    """The traceback of an error on another host, shown as its cause."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f"\n{self.text}"


def _plain(value: Any) -> Any:
    """What of a value travels with an error: itself where it fits into msgpack, else its repr."""
    try:
        return msgspec.msgpack.decode(_in_band(value))
    except Exception:  # user code: its conversions may raise anything
        return wire.shown(value, MAX_TRACEBACK)


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # user code: its text may raise anything
        return "<its text cannot be made>"


def _encodable(text: str) -> str:
    return text[-MAX_TRACEBACK:].encode(errors="backslashreplace").decode()


def _arguments(error: BaseException) -> tuple[Any, ...]:
    """The arguments that make the error again; an OSError keeps its file names apart."""
    if isinstance(error, OSError) and not isinstance(error, PagletError):
        return tuple(OSError.__reduce__(error)[1])
    return error.args


def _traceback_of(error: BaseException) -> str:
    """Its remote traceback, or its own; nothing for an error of ours in which no user code had a part."""
    earlier = getattr(error, "remote_traceback", "")
    if earlier or (isinstance(error, PagletError) and not has_user_frames(error)):
        return str(earlier)
    return format_user_traceback(error)


def encode_error(error: BaseException, where: str) -> bytes:
    """The wire form of an exception.

    Args:
        error: what was raised.
        where: the host and paglet it was raised in.
    """
    attributes = {
        key: _plain(value) for key, value in vars(error).items() if not key.startswith("_") and key not in _OURS
    }
    return _in_band(
        Failure(
            type_name=qualified_name(type(error)),
            message=_encodable(_text(error)[:MAX_TRACEBACK]),
            args=[_plain(value) for value in _arguments(error)],
            attributes=attributes,
            traceback=_encodable(_traceback_of(error)),
            where=getattr(error, "remote_host", "") or where,
        )
    )


def _exception_type(name: str) -> type[Exception] | None:
    """The exception type a name stands for, among modules that are loaded already."""
    module_name, _colon, qualname = name.partition(":")
    found: Any = None
    if module_name == "builtins":
        found = getattr(builtins, qualname, None)
    elif module_name == errors.__name__:
        found = getattr(errors, qualname, None)
    elif module_name in sys.modules:
        found = sys.modules[module_name]
        for part in qualname.split("."):
            found = getattr(found, part, None)
    return found if isinstance(found, type) and issubclass(found, Exception) else None


def _rebuild(failure: Failure) -> Exception:
    cls = _exception_type(failure.type_name)
    if cls is not None:
        try:
            if not failure.attributes and not issubclass(cls, PagletError):
                return cls(*failure.args)
            return errors.rebuild_error(cls, tuple(failure.args), dict(failure.attributes))
        except Exception:  # any constructor may refuse; the generic error below always works
            cls = None
    return RemoteHostError(failure.message, type_name=failure.type_name.rpartition(":")[2])


def _coloured(text: str) -> str:
    """The text of a traceback as a terminal or a notebook colours it, where pygments is installed."""
    try:
        from pygments import highlight
        from pygments.formatters import TerminalFormatter
        from pygments.lexers import PythonTracebackLexer
    except ImportError:
        return text
    return str(highlight(text, PythonTracebackLexer(), TerminalFormatter()))


def _render(self: Any) -> list[str]:
    """The lines a notebook shows: where it was called here, then where it was raised over there."""
    local = [frame for frame in traceback.extract_tb(self.__traceback__) if not is_ours(frame.filename)]
    mine = [frame for frame in local if f"{os.sep}IPython{os.sep}" not in frame.filename]
    header = "Traceback (most recent call last)"
    remote = self.remote_traceback.rstrip("\n").split("\n")
    if remote and remote[0].startswith(header):
        remote = remote[1:]
    here = _coloured(f"{header}:\n" + "".join(traceback.format_list(mine))).rstrip("\n").split("\n")[1:]
    there = _coloured(f"{header}:\n" + "\n".join(remote)).rstrip("\n").split("\n")[1:]
    title = f"{type(self).__name__:<40}{header:>35}"
    notes = getattr(self, "__notes__", ())
    return ["-" * len(title), title, *here, f"on {self.remote_host}:", *there, *notes]


def decode_error(data: bytes) -> Exception:
    """The exception from its wire form, with its remote traceback as its cause."""
    try:
        failure = payload.decode(data, (), Failure)
    except (*CODING_ERRORS, SerializationError) as error:
        return RemoteHostError(f"an error that cannot be read: {error}")
    rebuilt = _rebuild(failure)
    attached: Any = rebuilt
    attached.remote_traceback = failure.traceback
    attached.remote_host = failure.where
    if failure.traceback:
        rebuilt.__cause__ = RemoteTraceback(failure.traceback)
    if failure.traceback or not isinstance(rebuilt, PagletError) or isinstance(rebuilt, RemoteHostError):
        attached._render_traceback_ = MethodType(_render, rebuilt)
    return rebuilt
