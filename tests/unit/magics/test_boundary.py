from __future__ import annotations

import pytest
from IPython.core.error import UsageError

from paglets_nb import errors
from paglets_nb.codec.failures import decode_error, encode_error
from paglets_nb.magics.boundary import did_you_mean, one_line, readable, readable_errors


@pytest.mark.parametrize(
    "error",
    [
        errors.HostDiedError("alpha", "killed by SIGKILL"),
        errors.CallTimeoutError("'add' on alpha", 2.0),
        errors.SerializationError("cannot\ntravel", path="State.x"),
        errors.InvalidAgentError("abc"),
        ExceptionGroup("one", [ExceptionGroup("inner", [errors.MeshError("down")])]),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_of_the_project_become_one_usage_line(error: Exception) -> None:
    """Exactly UsageError, which IPython prints without a traceback, and one line of text."""
    with pytest.raises(UsageError) as caught, readable_errors():
        raise error
    assert type(caught.value) is UsageError
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_user_code_on_a_host_keeps_its_traceback() -> None:
    """An exception of a handler stays what it is and renders with the remote traceback."""
    remote = decode_error(encode_error(KeyError("k"), "alpha, Counter"))
    with pytest.raises(KeyError) as caught, readable_errors():
        raise remote
    assert caught.value is remote
    assert "on alpha, Counter" in "\n".join(remote._render_traceback_())  # type: ignore[attr-defined]


def test_a_remote_error_of_unknown_type_keeps_its_traceback() -> None:
    """RemoteHostError is user code's error under another name."""
    error = errors.RemoteHostError("boom", type_name="Odd")
    assert readable(error) is error


@pytest.mark.parametrize("error", [ValueError("local"), UsageError("said")])
def test_what_is_not_ours_passes(error: BaseException) -> None:
    """Local exceptions and usage errors go through untouched."""
    with pytest.raises(type(error)) as caught, readable_errors():
        raise error
    assert caught.value is error


def test_an_interrupt_is_one_line() -> None:
    """The stop button ends a magic with a line that says what goes on."""
    with pytest.raises(UsageError, match="interrupted; what a paglet was asked to do goes on"), readable_errors():
        raise KeyboardInterrupt


def test_a_group_of_one_foreign_error_is_opened() -> None:
    """A group hides its member's rendering, so a single member comes out."""
    with pytest.raises(ValueError, match="alone"), readable_errors():
        raise ExceptionGroup("group", [ValueError("alone")])


def test_suggestions_come_only_when_near() -> None:
    """A near word is suggested, a strange one is not."""
    assert did_you_mean("creat", ["create", "ls"]) == "; did you mean 'create'?"
    assert did_you_mean("zzz", ["create", "ls"]) == ""


def test_an_error_without_a_message_is_told_by_its_type() -> None:
    """No error is shown as nothing."""
    assert one_line(ValueError()) == "ValueError"


def test_a_long_message_keeps_its_ends() -> None:
    """Of a message that quotes a whole log, beginning and end are shown."""
    shown = one_line("begin\n" + "x " * 5000 + "end")
    assert len(shown) < 800
    assert shown.startswith("begin x")
    assert shown.endswith("x end")
