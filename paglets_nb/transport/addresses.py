"""Addresses of hosts, ``unix:///path/to/socket``, and connecting to them."""

from __future__ import annotations

import os
import socket

from paglets_nb.errors import AuthenticationError, FrameError
from paglets_nb.platform import peer_pid, peer_uid
from paglets_nb.transport.connection import Connection

__all__ = ["SOCKET_PATH_LIMIT", "check_peer", "connect", "listen", "listener_of", "unix_path", "unix_url"]

SOCKET_PATH_LIMIT = 107
"""Bytes of a Unix socket's path. Source: unix(7)."""
_BUFFER = 1 << 20


def unix_url(path: str) -> str:
    """The address of a Unix socket."""
    return f"unix://{path}"


def unix_path(url: str) -> str:
    """The path in a Unix socket's address."""
    scheme, found, path = url.partition("://")
    if not found or scheme != "unix" or not path.startswith("/"):
        raise FrameError(f"{url!r} is not an address (wanted unix:///path)")
    return path


def check_peer(sock: socket.socket) -> None:
    """Refuse the other side of a Unix socket when it belongs to another user."""
    uid = peer_uid(sock)
    if uid is not None and uid != os.getuid():
        raise AuthenticationError(f"the peer belongs to user {uid}, not to {os.getuid()}")


def connect(url: str, timeout: float) -> Connection:
    """Connect to a host.

    Args:
        url: its address.
        timeout: seconds to connect within, and each send may take.

    Raises:
        OSError: nobody listens there.
        AuthenticationError: another user does.
    """
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.settimeout(timeout)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
        sock.connect(unix_path(url))
        check_peer(sock)
        sock.settimeout(None)
    except BaseException:
        sock.close()
        raise
    return Connection(sock, url)


def listener_of(url: str) -> int | None:
    """The id of the process that listens at an address, also of one that is stopped or does not answer.

    Returns:
        0 where somebody listens and the system does not say who; None where nobody does.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(unix_path(url))
        except BlockingIOError:  # more wait to be let in than it has room for
            return 0
        except OSError:
            return None
        return peer_pid(probe) or 0


def _remove_stale(path: str) -> None:
    """Remove the socket of a process that was killed; one that somebody listens on stays."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)
        except OSError:
            return


def listen(url: str) -> socket.socket:
    """A listening socket; its folder must be private to the user."""
    path = unix_path(url)
    if len(path.encode()) > SOCKET_PATH_LIMIT:
        raise FrameError(f"the socket path {path!r} is longer than {SOCKET_PATH_LIMIT} bytes")
    _remove_stale(path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.bind(path)
        os.chmod(path, 0o600)
        sock.listen(256)
    except BaseException:
        sock.close()
        raise
    return sock
