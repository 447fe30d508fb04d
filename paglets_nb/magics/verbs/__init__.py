"""The verbs of ``%paglet``: one module each, imported when first used."""

from __future__ import annotations

import importlib
from typing import cast

from paglets_nb.magics.parser import LineVerb

__all__ = ["LINE_VERBS", "load_line_verb"]

LINE_VERBS = {
    "up": "start a mesh of hosts",
    "down": "stop the mesh; what a named one has stored stays for the next of its name",
    "detach": "let go of the mesh, which goes on without the notebook",
    "attach": "take up a mesh that goes on without a notebook",
    "meshes": "every mesh of yours on this machine, and who holds it",
    "hosts": "the hosts of the mesh",
    "panel": "the hosts, live: what they cost, their paglets, and buttons",
    "add": "start more hosts",
    "remove": "end a host; its paglets move to the others first",
    "restart": "end hosts and start them again; durable paglets come back",
    "interrupt": "interrupt the code that hosts' kernels execute",
    "create": "create a paglet",
    "ls": "the paglets of the mesh",
    "info": "what a paglet is: class, host, operations, state",
    "call": "call a typed operation and show its typed reply",
    "form": "a form for an operation: fill it in, send it, look at the reply",
    "send": "send a raw message and show its reply",
    "multicast": "send a raw message to many paglets at once",
    "start": "start a task and watch it",
    "status": "where a task stands, also while it runs",
    "wait": "wait until a task is done",
    "cancel": "end what a task or a paglet does now: ask, interrupt, restart its host",
    "tasks": "the tasks of the mesh and where they stand",
    "fanout": "call an operation, a task or a function over a grid of requests and hosts",
    "dispatch": "move a paglet to another host",
    "retract": "call a paglet back",
    "clone": "copy a paglet, here or to other hosts",
    "deactivate": "put paglets to sleep, durably",
    "activate": "wake paglets",
    "upgrade": "move running paglets to the current version of their class",
    "dispose": "end paglets",
    "drain": "the events that a paglet keeps",
    "events": "what happened on the hosts",
    "notifications": "what paglets told",
    "log": "what a host's process wrote",
    "output": "what a paglet printed and displayed, as it comes",
    "map": "a live map of the mesh: paglets as they move, messages as they pass",
    "trace": "a sequence diagram of what passed between the notebook, hosts and paglets",
    "push": "bring a file to a host",
    "pull": "fetch a file from a host",
    "bench": "measure the hosts: processor, memory, disk",
    "hops": "measure what moving between the hosts takes",
    "search": "search files on the hosts: grep for lines, find for names",
}
"""What each verb does, in the order in which help lists them."""


def load_line_verb(name: str) -> LineVerb:
    """A verb by its name, which must be one of ``LINE_VERBS``."""
    return cast("LineVerb", importlib.import_module(f"paglets_nb.magics.verbs.{name}").VERB)
