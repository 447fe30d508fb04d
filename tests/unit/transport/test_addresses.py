"""Addresses of hosts and who may connect to them."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest

from paglets_nb.errors import AuthenticationError, FrameError
from paglets_nb.transport import addresses
from paglets_nb.transport.addresses import check_peer, connect, listen, listener_of, unix_path, unix_url


def test_an_address_and_its_path() -> None:
    """An address and the path in it turn into each other."""
    assert unix_url("/tmp/a.sock") == "unix:///tmp/a.sock"
    assert unix_path("unix:///tmp/a.sock") == "/tmp/a.sock"


@pytest.mark.parametrize("url", ["", "/tmp/a.sock", "unix://relative", "tcp://1.2.3.4:5", "unix:/tmp/a"])
def test_what_is_no_address_is_refused(url: str) -> None:
    """Anything but ``unix:///path`` is refused by name."""
    with pytest.raises(FrameError, match="is not an address"):
        unix_path(url)


def test_the_socket_is_its_users_alone(socket_dir: Path) -> None:
    """The listening socket can be used by its owner only."""
    path = socket_dir / "a.sock"
    with listen(unix_url(str(path))):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_path_too_long_for_the_system_is_refused(socket_dir: Path) -> None:
    """A path the system cannot bind is an error that says so, before anything is made."""
    with pytest.raises(FrameError, match="longer than 107 bytes"):
        listen(unix_url(str(socket_dir / ("x" * 120))))


def test_a_taken_path_is_an_error(socket_dir: Path) -> None:
    """Two hosts cannot listen at one path."""
    url = unix_url(str(socket_dir / "a.sock"))
    with listen(url), pytest.raises(OSError, match="in use"):
        listen(url)


def test_connect_finds_the_listener(socket_dir: Path) -> None:
    """A connection is made to whoever listens at the address."""
    url = unix_url(str(socket_dir / "a.sock"))
    with listen(url):
        connection = connect(url, 1.0)
        assert connection.address == url
        assert connection.sock.getblocking()
        connection.close()


@pytest.mark.parametrize("there", [False, True])
def test_nobody_listening_is_an_os_error(socket_dir: Path, there: bool) -> None:
    """No socket, or a dead one, is what the system says of it."""
    path = socket_dir / "a.sock"
    if there:
        listen(unix_url(str(path))).close()
    with pytest.raises(ConnectionRefusedError if there else FileNotFoundError):
        connect(unix_url(str(path)), 1.0)


def test_another_users_peer_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A peer of another user is refused; where the system does not tell, the folder protects."""
    left, right = socket.socketpair()
    with left, right:
        check_peer(left)
        monkeypatch.setattr(addresses, "peer_uid", lambda _sock: os.getuid() + 1)
        with pytest.raises(AuthenticationError, match="the peer belongs to user"):
            check_peer(left)
        monkeypatch.setattr(addresses, "peer_uid", lambda _sock: None)
        check_peer(left)


def test_who_listens(socket_dir: Path) -> None:
    """The process is named, also where more wait than it lets in; nobody where the socket is stale or missing."""
    url = unix_url(str(socket_dir / "a.sock"))
    assert listener_of(url) is None
    with listen(url) as sock:
        assert listener_of(url) == os.getpid()
        sock.listen(0)
        assert all(listener_of(url) in (os.getpid(), 0) for _caller in range(5))
    assert listener_of(url) is None
