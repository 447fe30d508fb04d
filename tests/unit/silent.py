"""A host that does not answer: something listens at its address, and nobody reads what comes."""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def silent_host(name: str = "silent") -> Iterator[str]:
    """The address of one."""
    with tempfile.TemporaryDirectory(prefix="pn-") as folder, socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"{folder}/{name}.sock")
        listening.listen()
        yield f"unix://{folder}/{name}.sock"
