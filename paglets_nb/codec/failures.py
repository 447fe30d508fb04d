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
from paglets_nb.codec import payload
from paglets_nb.codec.names import qualified_name
from paglets_nb.codec.wire import CODING_ERRORS
from paglets_nb.core.tracebacks import MAX_TRACEBACK, format_user_traceback, is_ours
from paglets_nb.errors import PagletError, RemoteHostError, SerializationError

__all__ = ["RemoteTraceback", "decode_error", "encode_error"]


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
    try:
        encoded, buffers = payload.encode(value)
        return payload.decode(encoded, buffers)
    except SerializationError:
        return repr(value)


def encode_error(error: BaseException, where: str) -> bytes:
    """The wire form of an exception.

    Args:
        error: what was raised.
        where: the host and paglet it was raised in.
    """
    text = getattr(error, "remote_traceback", "") or format_user_traceback(error)
    attributes = {
        key: _plain(value) for key, value in vars(error).items() if not key.startswith("_") and key != "remote_traceback"
    }
    failure = Failure(
        type_name=qualified_name(type(error)),
        message=str(error)[:MAX_TRACEBACK],
        args=[_plain(value) for value in error.args],
        attributes=attributes,
        traceback=text,
        where=getattr(error, "remote_host", "") or where,
    )
    return payload.encode(failure)[0]


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


def _render(self: Any) -> list[str]:
    name = type(self).__name__
    lines = ["-" * 75, f"{name:<40}{'Traceback (most recent call last)':>35}"]
    local = traceback.extract_tb(self.__traceback__)
    mine = [frame for frame in local if not is_ours(frame.filename)]
    mine = [frame for frame in mine if f"{os.sep}IPython{os.sep}" not in frame.filename]
    for entry in traceback.format_list(mine):
        lines.extend(entry.rstrip("\n").split("\n"))
    lines.append(f"-- on {self.remote_host} --")
    remote = self.remote_traceback.rstrip("\n").split("\n")
    lines.extend(remote[1:] if remote and remote[0].startswith("Traceback") else remote)
    return lines


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
    rebuilt.__cause__ = RemoteTraceback(failure.traceback)
    if not isinstance(rebuilt, PagletError) or isinstance(rebuilt, RemoteHostError):
        attached._render_traceback_ = MethodType(_render, rebuilt)
    return rebuilt
