"""The tree of errors and its trip through pickle."""

from __future__ import annotations

import pickle

import pytest

from paglets_nb import errors
from paglets_nb.errors import (
    CallTimeoutError,
    CursorGapError,
    HostDiedError,
    HostError,
    InvalidAgentError,
    NameTakenError,
    NotHandledError,
    PagletError,
    RemoteHostError,
    SerializationError,
    UnknownHostError,
)

SAMPLES: list[PagletError] = [
    SerializationError("wrong", path="state.x"),
    UnknownHostError("gamma", ["beta", "alpha"]),
    HostDiedError("alpha", "killed by SIGKILL"),
    RemoteHostError("no such table", type_name="sqlite3:Error"),
    CallTimeoutError("add on alpha", 1.5),
    InvalidAgentError("ab12", "alpha"),
    NotHandledError("fly", "Bird", ["sing", "eat"]),
    NameTakenError("counter", "beta"),
    CursorGapError(3, 17),
]
EVERY = [
    *SAMPLES,
    *(
        getattr(errors, name)("it happened")
        for name in errors.__all__
        if getattr(errors, name) not in {type(sample) for sample in SAMPLES}
    ),
]


@pytest.mark.parametrize("error", EVERY, ids=lambda error: type(error).__name__)
def test_every_error_survives_a_pickle(error: PagletError) -> None:
    """Every error of the tree comes back from a pickle with type, text and attributes."""
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is type(error)
    assert str(back) == str(error)
    assert vars(back) == vars(error)
    assert back.args == error.args


def test_the_list_is_sorted_and_complete() -> None:
    """``__all__`` is sorted and holds every error of the module."""
    found = [name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, PagletError)]
    assert errors.__all__ == sorted(found)


def test_the_tree_is_drawn_in_the_docstring() -> None:
    """Every error stands in the drawing of the module's docstring."""
    assert errors.__doc__ is not None
    for name in errors.__all__:
        assert name in errors.__doc__


def test_errors_have_the_stdlib_parents_callers_expect() -> None:
    """Time-outs are TimeoutErrors and a dead host is a ConnectionError, both PagletErrors too."""
    assert issubclass(CallTimeoutError, TimeoutError)
    assert issubclass(HostDiedError, ConnectionError)
    assert issubclass(HostDiedError, HostError)
    for name in errors.__all__:
        assert issubclass(getattr(errors, name), PagletError)


def test_messages_say_what_is_known() -> None:
    """The messages name what was asked for and what there is."""
    assert str(UnknownHostError("gamma", ["beta", "alpha"])) == "no host 'gamma' in the mesh (hosts: alpha, beta)"
    assert str(NotHandledError("fly", "Bird", ["sing"])) == "Bird does not handle 'fly' (operations: sing)"
    assert str(CallTimeoutError("add on alpha", 1.5)) == "add on alpha: no answer within 1.5 s"
    assert "first one held is 17" in str(CursorGapError(3, 17))
    assert str(CursorGapError(0, 205)).startswith("events 1 to 204 were trimmed")
    assert str(CursorGapError(0, 2)).startswith("event 1 was trimmed")
    assert str(CursorGapError(0, 205)).endswith(": after_cursor=204 goes on from there")
    assert str(SerializationError("wrong", path="state.x")) == "state.x: wrong"
