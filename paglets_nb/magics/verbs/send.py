"""``%paglet send PAGLET KIND [key=value ...] [--oneway]``."""

from __future__ import annotations

from typing import Any

from paglets_nb.magics.parser import Arguments, LineVerb, VerbParser, seconds
from paglets_nb.magics.session import Session
from paglets_nb.magics.tokens import NO_VALUE
from paglets_nb.magics.values import read_json, read_literal

__all__ = ["VERB", "content_of"]


def configure(parser: VerbParser) -> None:
    """Add the arguments."""
    parser.add_argument("paglet", metavar="PAGLET", help="a name, an id or its start, or a variable")
    parser.add_argument("kind", metavar="KIND", help="the message's kind")
    parser.add_argument("--oneway", action="store_true", help="do not wait for the reply")
    parser.add_argument("--timeout", metavar="SECONDS", type=seconds, help="how long to wait for the reply (60)")
    parser.add_argument("--json", metavar="JSON", help="the content, or a part of it, as a JSON object")


def content_of(arguments: Arguments) -> dict[str, Any]:
    """What ``--json`` and the keys say; keys hold Python literals or JSON, anything else is text."""
    content: dict[str, Any] = read_json(arguments.json) if arguments.json else {}
    for key, word in arguments.fields.items():
        content[key] = read_literal(str(word)) if word.value is NO_VALUE else word.value
    return content


def run(session: Session, arguments: Arguments) -> Any:
    """Send the message."""
    proxy = session.paglet(arguments.paglet)
    content = content_of(arguments)
    kind = str(arguments.kind)
    if arguments.oneway:
        proxy.send_oneway(kind, content, timeout=session.deadline.left())
        return None
    return session.shown(proxy.send(kind, content, timeout=session.deadline.left()))


VERB = LineVerb(configure, run, fields="key")
