"""Exceptions on their way to the caller."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paglets_nb.codec.failures import RemoteTraceback, decode_error, encode_error
from paglets_nb.codec.payload import OUT_OF_BAND
from paglets_nb.codec.shipping import MissingCodeError
from paglets_nb.errors import HostDiedError, PagletError, RemoteHostError
from tests.unit.test_errors import EVERY


class BankError(Exception):
    """A user's exception with arguments of its own and attributes."""

    def __init__(self, account: str, *, missing: float) -> None:
        super().__init__(f"{account} lacks {missing}")
        self.account = account
        self.missing = missing


class PlainError(ValueError):
    pass


class Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


class Awkward:
    def __repr__(self) -> str:
        raise RuntimeError("no repr")


def raised(error: BaseException) -> BaseException:
    """The error with the traceback of having been raised."""
    try:
        raise error
    except BaseException as caught:
        return caught


def sent(error: BaseException, where: str = "alpha, Counter") -> Exception:
    """The error as its caller gets it."""
    return decode_error(encode_error(raised(error), where))


@pytest.mark.parametrize("error", EVERY, ids=lambda error: type(error).__name__)
def test_every_error_of_the_project_survives(error: PagletError) -> None:
    """Every PagletError arrives as the same type with its text and attributes."""
    before = dict(vars(error))
    back = sent(error)
    assert type(back) is type(error)
    assert str(back) == str(error)
    for name, value in before.items():
        assert getattr(back, name) == value


def test_missing_code_keeps_its_digest() -> None:
    """The error by which a host asks for code arrives with the key of that code."""
    back = sent(MissingCodeError("abcd", "cell:Thing"))
    assert isinstance(back, MissingCodeError)
    assert back.digest == "abcd"


def test_user_exceptions_arrive_as_their_type() -> None:
    """An exception of a module known here arrives as the same type with its attributes."""
    back = sent(BankError("savings", missing=2.5))
    assert type(back) is BankError
    assert str(back) == "savings lacks 2.5"
    assert (back.account, back.missing) == ("savings", 2.5)
    assert type(sent(PlainError("a", 1))) is PlainError
    assert sent(PlainError("a", 1)).args == ("a", 1)


@pytest.mark.parametrize(
    "error",
    [
        KeyError("name"),
        ValueError("bad", 3),
        ZeroDivisionError("division by zero"),
        StopIteration(4),
        AssertionError(),
        OSError(28, "No space left on device", "/data/out.bin"),
        FileNotFoundError(2, "No such file or directory", "/data/in.bin"),
        OSError(18, "Invalid cross-device link", "/a", None, "/b"),
        OSError("plain"),
        UnicodeDecodeError("utf-8", b"\xff" * 10, 0, 1, "invalid start byte"),
        UnicodeDecodeError("utf-8", b"\xff" * (OUT_OF_BAND + 1), 0, 1, "invalid start byte"),
        UnicodeEncodeError("ascii", "é", 0, 1, "ordinal not in range(128)"),
        TimeoutError("late"),
        ModuleNotFoundError("No module named 'x'"),
        NotImplementedError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_builtin_exceptions_arrive_whole(error: Exception) -> None:
    """Built-in exceptions arrive as the same type, with the same arguments and text."""
    back = sent(error)
    assert type(back) is type(error)
    assert back.args == error.args
    assert str(back) == str(error)
    if isinstance(error, OSError):
        assert (back.errno, back.filename, back.filename2) == (error.errno, error.filename, error.filename2)  # type: ignore[attr-defined]


def test_standard_library_exceptions_arrive_whole() -> None:
    """Exceptions of the standard library with attributes of their own keep them."""
    with pytest.raises(json.JSONDecodeError) as caught:
        json.loads("{bad")
    back = sent(caught.value)
    assert type(back) is json.JSONDecodeError
    assert (back.pos, back.doc, str(back)) == (1, "{bad", str(caught.value))
    process = sent(subprocess.CalledProcessError(3, ["false"]))
    assert type(process) is subprocess.CalledProcessError
    assert (process.returncode, process.cmd) == (3, ["false"])


def test_unknown_types_become_remote_host_errors() -> None:
    """An exception of a type that is not known here keeps its name and text."""
    namespace: dict[str, Any] = {"__name__": "no_such_module_here"}
    exec("class OddError(Exception): pass", namespace)
    back = sent(namespace["OddError"]("strange"))
    assert type(back) is RemoteHostError
    assert back.type_name == "OddError"
    assert str(back) == "OddError: strange"


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), GeneratorExit()], ids=lambda e: type(e).__name__)
def test_exceptions_that_end_programs_do_not_end_the_caller(error: BaseException) -> None:
    """A handler's ``SystemExit`` or interrupt is an ordinary error at the caller."""
    back = sent(error)
    assert type(back) is RemoteHostError
    assert back.type_name == type(error).__name__


def test_a_name_that_is_no_exception_is_not_called() -> None:
    """An error that claims to be of a type that is no exception is never made of it."""
    for name in ("os:system", "builtins:eval", "builtins:exit", "subprocess:Popen", "builtins:list", "nonsense"):
        failure = [name, "text", ["true"], {}, "", ""]
        back = decode_error(msgspec.msgpack.encode(failure))
        assert type(back) is RemoteHostError


def test_no_module_is_imported_for_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The type of an error is looked for only among modules that are loaded."""
    (tmp_path / "never_import_me.py").write_text("raise SystemExit('imported')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    back = decode_error(msgspec.msgpack.encode(["never_import_me:Boom", "text", [], {}, "", ""]))
    assert type(back) is RemoteHostError
    assert "never_import_me" not in sys.modules


def test_a_constructor_that_refuses_gives_a_remote_host_error() -> None:
    """An exception whose constructor wants other arguments arrives by name and text."""

    class Picky(Exception):
        def __init__(self, one: int, two: int) -> None:
            super().__init__("only one")

    Picky.__qualname__ = "Picky"
    setattr(sys.modules[__name__], "Picky", Picky)
    try:
        back = sent(Picky(1, 2))
    finally:
        delattr(sys.modules[__name__], "Picky")
    assert type(back) is RemoteHostError
    assert str(back) == "Picky: only one"


@pytest.mark.parametrize(
    "error", [Unprintable(), ValueError(Awkward()), KeyError(Awkward())], ids=["str", "arg", "key"]
)
def test_errors_that_cannot_be_shown_still_arrive(error: Exception) -> None:
    """An exception whose own ``str`` or ``repr`` raises is an error at the caller, not a lost reply."""
    back = sent(error)
    assert isinstance(back, Exception)
    assert type(error).__name__ in (type(back).__name__, getattr(back, "type_name", ""))


@pytest.mark.parametrize("size", [OUT_OF_BAND + 1, 3 * OUT_OF_BAND])
def test_large_arguments_arrive(size: int) -> None:
    """An argument past the out-of-band bound arrives with the error."""
    back = sent(ValueError("bad bytes", b"x" * size))
    assert type(back) is ValueError
    assert back.args == ("bad bytes", b"x" * size)


def test_values_that_cannot_travel_arrive_as_their_repr() -> None:
    """Arguments and attributes that cannot travel arrive as text."""
    error = BankError("savings", missing=1.0)
    error.account = print  # type: ignore[assignment]
    back = sent(error)
    assert type(back) is BankError
    assert back.account == "<built-in function print>"
    assert sent(ValueError(2**70)).args == (str(2**70),)


def test_text_that_is_no_unicode_arrives_escaped() -> None:
    """An error whose text has lone surrogates (an undecodable file name) arrives all the same."""
    back = sent(ValueError("bad name \udcff"))
    assert type(back) is ValueError
    assert "udcff" in str(back)


def test_the_remote_traceback_is_the_cause() -> None:
    """The remote traceback is kept, shows the user's line, and is the printed cause."""
    back = sent(BankError("savings", missing=1.0))
    text: str = back.remote_traceback  # type: ignore[attr-defined]
    assert "raise error" in text
    assert text.rstrip().endswith("lacks 1.0")
    assert back.remote_host == "alpha, Counter"  # type: ignore[attr-defined]
    assert isinstance(back.__cause__, RemoteTraceback)
    assert "raise error" in "".join(traceback.format_exception(back))


def test_an_error_sent_on_keeps_its_first_place() -> None:
    """An error that crosses twice keeps the traceback and the host of its origin."""
    first = sent(BankError("savings", missing=1.0), "alpha, Bank")
    second = decode_error(encode_error(raised(first), "beta, Teller"))
    assert type(second) is BankError
    assert second.remote_host == "alpha, Bank"  # type: ignore[attr-defined]
    assert second.remote_traceback == first.remote_traceback  # type: ignore[attr-defined]
    again: Any = sent(sent(HostDiedError("alpha", "killed")))
    assert (again.host, again.reason) == ("alpha", "killed")


def test_user_errors_render_like_local_ones() -> None:
    """A user's error has the lines a notebook shows, one of the project's that user code raised too; others none."""
    back: Any = sent(PlainError("bad"))
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in back._render_traceback_()]
    assert any("PlainError" in line for line in lines)
    assert any("on alpha, Counter" in line for line in lines)
    assert any("raise error" in line for line in lines)
    raised: Any = sent(HostDiedError("alpha"))
    assert any("on alpha, Counter" in line for line in raised._render_traceback_())
    ours: Any = decode_error(encode_error(HostDiedError("alpha"), "alpha, Counter"))
    assert ours._render_traceback_() == ["HostDiedError: host 'alpha' is gone: the connection closed before the reply"]


def test_long_errors_are_cut() -> None:
    """A message of megabytes does not make an error of megabytes twice over."""
    data = encode_error(raised(ValueError()), "alpha")
    assert len(data) < 10_000
    deep = decode_error(encode_error(raised(RemoteHostError("x" * 10_000_000)), "alpha"))
    assert isinstance(deep, RemoteHostError)


@settings(max_examples=100)
@given(st.binary(max_size=60))
def test_random_bytes_are_an_error_too(data: bytes) -> None:
    """Whatever arrives as an error is an exception, never a crash."""
    assert isinstance(decode_error(data), Exception)


@settings(max_examples=100)
@given(
    st.sampled_from(["builtins:ValueError", "builtins:OSError", "paglets_nb.errors:HostDiedError", "os:system", "x"]),
    st.lists(st.none() | st.integers() | st.text(max_size=4), max_size=3),
    st.dictionaries(st.text(max_size=4), st.none() | st.text(max_size=4), max_size=3),
)
def test_odd_errors_are_errors(name: str, args: list[Any], attributes: dict[str, Any]) -> None:
    """Any combination of type, arguments and attributes gives an exception."""
    try:
        data = msgspec.msgpack.encode([name, "text", args, attributes, "", ""])
    except OverflowError:
        return
    assert isinstance(decode_error(data), Exception)
