"""What a kernel runs to be a host: an IPython extension.

Starts the host's data plane beside the kernel, answers for its endpoint on the control
channel, and has what paglets print carry the id of the cell it belongs to.
"""

from __future__ import annotations

import atexit
import json
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paglets_nb.mesh.owner_guard import owner_guard
from paglets_nb.mesh.registry import REGISTRY

if TYPE_CHECKING:
    from paglets_nb.mesh.unread_output import UnreadOutput

__all__ = [
    "ENDPOINT_REQUEST",
    "HOST_VARIABLE",
    "OUTPUT_MARK",
    "OWNER_REQUEST",
    "adopt_path",
    "keep_unread",
    "load_ipython_extension",
]

HOST_VARIABLE = "PAGLETS_NB_HOST"
"""Environment variable that describes the host, as JSON."""
ENDPOINT_REQUEST = "paglet_request"
OWNER_REQUEST = "paglet_owner"
"""Tells the host whose it is, and whether it is to outlive that process; asked on the control channel."""
OUTPUT_MARK = "paglet_output_mark"
"""Asked on the control channel, answered on iopub behind the output so far."""
_SWITCH_INTERVAL = 0.0005
"""Seconds after which a busy Python thread lets a call in; the interpreter's 5 ms would be its latency."""


@contextmanager
def cell_output(shell: Any, origin: str) -> Iterator[None]:
    """Within this, what the thread prints and displays belongs to the cell ``origin``."""
    tokens = shell.set_thread_parent(_parent(origin))
    try:
        yield
    finally:
        shell.reset_thread_parent(tokens)


class OutputAdoption:
    """Has output of threads belong to a notebook cell until they are told of another.

    Args:
        shell: the kernel's.
    """

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._local = threading.local()

    def __call__(self, origin: str) -> None:
        """What the calling thread prints and displays belongs to the cell ``origin``; to none where it is empty."""
        tokens = getattr(self._local, "tokens", None)
        if tokens is not None:
            self._shell.reset_thread_parent(tokens)
        self._local.tokens = self._shell.set_thread_parent(_parent(origin)) if origin else None


def _parent(origin: str) -> dict[str, Any]:
    return {"header": {"msg_id": origin, "msg_type": "execute_request"}}


def adopt_path(entries: Sequence[str]) -> None:
    """Find modules where the mesh's owner finds them, in its order; what this process adds itself comes behind.

    Args:
        entries: the owner's ``sys.path``, without the entry for the working folder, which stays first here.
    """
    working = [entry for entry in sys.path if not entry]
    own = [entry for entry in sys.path if entry and entry not in entries]
    sys.path[:] = [*working, *entries, *own]


def keep_unread(shell: Any, kept: UnreadOutput) -> None:
    """Have what is printed, and the text of what is displayed, go to ``kept`` too.

    Args:
        shell: the kernel's.
        kept: notes it while nobody reads it.
    """
    for out in (sys.stdout, sys.stderr):
        if hasattr(out, "echo"):
            out.echo = kept
    publish = shell.display_pub.publish

    def publish_and_keep(data: dict[str, Any], *args: Any, **options: Any) -> Any:
        if "text/plain" in data:
            kept.write(f"{data['text/plain']}\n")
        return publish(data, *args, **options)

    shell.display_pub.publish = publish_and_keep


def load_ipython_extension(shell: Any) -> None:
    """Start the host that the environment describes."""
    from paglets_nb.errors import PagletError
    from paglets_nb.host.host import Host
    from paglets_nb.host.user_info import SHOWN_BY_MESH
    from paglets_nb.mesh.unread_output import UnreadOutput

    described = json.loads(os.environ[HOST_VARIABLE])
    sys.setswitchinterval(_SWITCH_INTERVAL)
    adopt_path(described.get("path", ()))
    host = Host(
        described["name"],
        socket_dir=described["directory"],
        data_dir=described["data_dir"],
        properties=described["properties"],
    )
    host.handling.output_scope = partial(cell_output, shell)
    host.requests.direct.adopt_output = OutputAdoption(shell)
    host.properties.setdefault(SHOWN_BY_MESH, True)
    unread = UnreadOutput(Path(described["log"]))
    keep_unread(shell, unread)
    owner_guard.on_alone, owner_guard.on_owned = unread.begin, unread.end
    owner_guard.may_go_on = (Path(described["directory"]) / REGISTRY).exists
    problem = ""
    try:
        host.start_background()
    except PagletError as error:
        problem = str(error)
    atexit.register(host.stop)
    shell.user_ns["paglet_host"] = host
    kernel = shell.kernel

    async def answer(stream: Any, ident: Any, parent: Any) -> None:
        found = {"url": host.address, "pid": os.getpid(), "name": host.name, "alone_since": owner_guard.alone_since}
        kernel.session.send(stream, "paglet_reply", {"error": problem} if problem else found, parent, ident)

    async def own(stream: Any, ident: Any, parent: Any) -> None:
        done = owner_guard.own(int(parent["content"]["owner"]), bool(parent["content"]["outlive"]))
        kernel.session.send(stream, "paglet_reply", {"done": done}, parent, ident)

    async def mark(_stream: Any, _ident: Any, parent: Any) -> None:
        for out in (sys.stdout, sys.stderr):
            out.flush()
        kernel.session.send(kernel.iopub_socket, OUTPUT_MARK, {}, parent)

    kernel.control_handlers[ENDPOINT_REQUEST] = answer
    kernel.control_handlers[OWNER_REQUEST] = own
    kernel.control_handlers[OUTPUT_MARK] = mark
