"""The verbs of ``%paglet``: one module each, imported when first used."""

from __future__ import annotations

import importlib
from typing import cast

from paglets_nb.magics.parser import LineVerb

__all__ = ["LINE_VERBS", "load_line_verb"]

LINE_VERBS = {
    "up": "start a mesh of hosts",
    "down": "stop the mesh; nothing is left behind",
    "hosts": "the hosts of the mesh",
    "create": "create a paglet",
    "ls": "the paglets of the mesh",
    "info": "what a paglet is: class, host, operations, state",
    "call": "call a typed operation and show its typed reply",
    "send": "send a raw message and show its reply",
    "start": "start a task and watch it",
    "status": "where a task stands, also while it runs",
    "wait": "wait until a task is done",
    "cancel": "ask a task to stop",
    "dispatch": "move a paglet to another host",
    "clone": "copy a paglet, here or to other hosts",
    "dispose": "end paglets",
}
"""What each verb does, in the order in which help lists them."""


def load_line_verb(name: str) -> LineVerb:
    """A verb by its name, which must be one of ``LINE_VERBS``."""
    return cast("LineVerb", importlib.import_module(f"paglets_nb.magics.verbs.{name}").VERB)
