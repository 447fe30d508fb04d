"""A paglet whose handlers and hooks each test gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from paglets_nb.core.messages import Message
from paglets_nb.core.paglet import Paglet
from paglets_nb.core.state import PagletState

HOOKS = [name for name in dir(Paglet) if name.startswith("on_")]


@dataclass
class ScriptedState(PagletState):
    log: list[str] = field(default_factory=list)
    number: int = 0
    extra: Any = None


class Script:
    """What the paglets of one test do, and which hooks were called."""

    def __init__(self) -> None:
        self.handlers: dict[str, Callable[[Any, Message], Any]] = {
            "echo": lambda _paglet, message: message.args,
            "log": lambda paglet, message: paglet.state.log.append(message.args["text"]),
            "read": lambda paglet, _message: list(paglet.state.log),
        }
        self.hooks: dict[str, Callable[[Any, Any], None]] = {}
        self.run: Callable[[Any], None] | None = None
        self.called: list[tuple[str, str, Any]] = []


_current = Script()


def new_script() -> Script:
    """A fresh script, from now on that of every ``Scripted``."""
    global _current  # noqa: PLW0603 - paglets are made by hosts, which know no test
    _current = Script()
    return _current


class Scripted(Paglet[ScriptedState]):
    """Does what the current script says."""

    interleaved_kinds = frozenset({"peek"})

    def handle_message(self, message: Message) -> Any:
        """Call the script's handler."""
        handler = _current.handlers.get(message.kind)
        return self.not_handled(message) if handler is None else handler(self, message)

    def operation_names(self) -> list[str]:
        """The kinds in the script."""
        return sorted(_current.handlers)

    def run(self) -> None:
        """Run the script's activity."""
        if _current.run is not None:
            _current.run(self)


def _hook(name: str) -> Callable[[Scripted, Any], None]:
    def called(self: Scripted, event: Any) -> None:
        _current.called.append((name, event.host_name, event))
        action = _current.hooks.get(name)
        if action is not None:
            action(self, event)

    return called


for _name in HOOKS:
    setattr(Scripted, _name, _hook(_name))


class Durable(Scripted):
    """The same, stored with each message."""

    durability = "message"
    reading_kinds = frozenset({"read", "echo"})


class Kept(Scripted):
    """The same, stored with each lifecycle step."""

    durability = "lifecycle"
