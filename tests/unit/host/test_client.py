"""The client: sockets, interrupts, channels, code."""

from __future__ import annotations

import gc
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from paglets_nb.codec.shipping import MissingCodeError, code_store
from paglets_nb.core.messages import Message, ReplySet
from paglets_nb.core.proxy import PagletProxy
from paglets_nb.errors import CallTimeoutError, FrameError, HostDiedError, NotHandledError, SerializationError
from paglets_nb.host import channel as channel_module
from paglets_nb.host.client import HostClient
from paglets_nb.host.host import Host
from paglets_nb.host.protocol import HostInfo, Nothing
from paglets_nb.host.sockets import host_label
from paglets_nb.testing import Counter, wait_until
from tests.unit.host.scripted import Script, Scripted
from tests.unit.host.test_requests import Gate


@pytest.fixture
def client() -> Iterator[HostClient]:
    """A client of nobody's host."""
    client = HostClient(timeout=10.0)
    yield client
    client.close()


def far(client: HostClient, proxy: PagletProxy) -> PagletProxy:
    """The same paglet, spoken to by this client."""
    return PagletProxy(proxy.host_url, proxy.agent_id, client)


def typed(client: HostClient, proxy: PagletProxy, kind: str) -> Any:
    """A typed call, which takes the shortest way where a socket is idle."""
    return client.call_typed(proxy, kind, None, dict, None)


def test_sequential_calls_share_a_socket(client: HostClient, alpha: Host, paglet: PagletProxy) -> None:
    """Calls one after the other go over one connection, calls at once over one each."""
    proxy = far(client, paglet)
    for _ in range(10):
        proxy.send("echo")
    assert client.statistics()["idle"] == {alpha.address: 1}


def test_a_time_out_costs_its_socket_only(client: HostClient, script: Script, paglet: PagletProxy) -> None:
    """The late reply of a timed-out call is never taken for that of the next one."""
    gate = script.handlers["gate"] = Gate()
    proxy = far(client, paglet)
    with pytest.raises(CallTimeoutError):
        proxy.send("gate", timeout=0.02)
    gate.open.set()
    assert [proxy.send("echo", {"n": n}) for n in range(5)] == [{"n": n} for n in range(5)]


def test_a_time_out_of_one_call_is_not_that_of_the_next(client: HostClient, paglet: PagletProxy) -> None:
    """Each call has its own time-out, also on a socket that was used with another."""
    proxy = far(client, paglet)
    proxy.send("echo", timeout=0.5)
    connection, used = client.sockets.pool.take(paglet.host_url)
    assert used
    client.sockets.pool.give_back(paglet.host_url, connection)
    assert proxy.send("echo", timeout=30) == {}


@pytest.mark.parametrize("way", ["send", "typed", "future"])
def test_an_interrupt_leaves_the_client_usable(
    client: HostClient, script: Script, paglet: PagletProxy, way: str
) -> None:
    """Ctrl-C in a waiting call raises KeyboardInterrupt at once; the next call gets its own reply."""
    gate = script.handlers["gate"] = Gate()
    proxy = far(client, paglet)
    assert proxy.send("echo") == {}  # a socket is idle now
    main = threading.main_thread().ident
    assert main is not None

    def interrupt() -> None:
        gate.wait_entered()
        signal.pthread_kill(main, signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    begun = time.monotonic()
    calls: dict[str, Callable[[], Any]] = {
        "send": lambda: proxy.send("gate"),
        "typed": lambda: typed(client, proxy, "gate"),
        "future": lambda: proxy.send_future("gate").get_reply(),
    }
    with pytest.raises(KeyboardInterrupt):
        calls[way]()
    assert time.monotonic() - begun < client.timeout / 2
    assert client.statistics()["idle"] == {proxy.host_url: 1 if way == "future" else 0}
    thread.join(5)
    gate.open.set()
    assert [proxy.send("echo", {"n": n}) for n in range(3)] == [{"n": n} for n in range(3)]
    gc.collect()


@pytest.mark.parametrize("size", [10, 100_000])
def test_an_interrupt_while_a_future_is_sent(
    client: HostClient, script: Script, alpha: Host, paglet: PagletProxy, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is interrupted while it is sent is under way no more, and the next futures follow a paglet that moves."""
    proxy = far(client, paglet)
    assert proxy.send_future("echo").get_reply(5) == {}
    channel = client._channels[paglet.host_url]
    send = channel._connection.send

    def interrupted(*arguments: Any) -> None:
        send(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(channel._connection, "send", interrupted)
    with pytest.raises(KeyboardInterrupt):
        proxy.send_future("echo", {"data": b"x" * size})
    monkeypatch.undo()
    wait_until(lambda: not client._lanes.busy(f">{paglet.agent_id}"))
    assert channel.closed == (size > 16 * 1024)
    alpha.get_proxy(paglet.agent_id).dispatch("beta")
    assert proxy.send_future("echo", {"a": 1}).get_reply(5) == {"a": 1}


def test_a_restarted_host_is_found_again(client: HostClient, script: Script, tmp_path_factory: Any) -> None:
    """A host that comes back at its address is called again without an error in between."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix="pgl-") as folder:
        with Host("delta", socket_dir=folder) as first:
            proxy = far(client, first.create(Scripted, name="worker"))
            named = PagletProxy(first.address, "worker", client)
            assert proxy.send("echo") == {}
            assert named.send_future("echo").get_reply(5) == {}
        with pytest.raises(HostDiedError):
            named.send("echo")
        with pytest.raises(HostDiedError):
            named.send_future("echo").get_reply(5)
        with Host("delta", socket_dir=folder) as second:
            second.create(Scripted, name="worker")
            assert named.send("echo", {"a": 1}) == {"a": 1}
            assert named.send_future("echo", {"a": 1}).get_reply(5) == {"a": 1}


@pytest.mark.parametrize("way", ["send", "typed"])
def test_a_stale_idle_socket_is_not_an_error(client: HostClient, script: Script, way: str) -> None:
    """A call over an idle socket that the host has closed meanwhile is made again on a new one."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix="pgl-") as folder:
        with Host("delta", socket_dir=folder) as first:
            named = PagletProxy(first.address, "worker", client)
            first.create(Scripted, name="worker")
            assert named.send("echo") == {}
        assert client.statistics()["idle"] == {named.host_url: 1}
        with Host("delta", socket_dir=folder) as second:
            second.create(Scripted, name="worker")
            assert (named.send("echo") if way == "send" else typed(client, named, "echo")) == {}
            assert client.statistics()["idle"] == {named.host_url: 1}


def test_a_typed_call_follows_and_fails_as_any_other(client: HostClient, alpha: Host, paglet: PagletProxy) -> None:
    """What comes in the place of a short reply is taken in its turn, and the socket kept."""
    proxy = far(client, paglet)
    assert typed(client, proxy, "echo") == {}
    with pytest.raises(NotHandledError, match="nonsense"):
        typed(client, proxy, "nonsense")
    alpha.get_proxy(paglet.agent_id).dispatch("beta")
    assert typed(client, proxy, "echo") == {}
    assert proxy.host_url != alpha.address
    assert client.statistics()["idle"] == {alpha.address: 1, proxy.host_url: 1}


def test_why_a_host_is_gone_is_said(client: HostClient) -> None:
    """What the mesh knows of a host's end stands in the error."""
    client.sockets.explain = lambda url: f"killed by SIGKILL at {host_label(url)}"
    with pytest.raises(HostDiedError, match="host 'delta' is gone: killed by SIGKILL at delta") as caught:
        PagletProxy("unix:///no/such/delta.sock", "ab", client).send("echo")
    assert (caught.value.host, caught.value.reason) == ("delta", "killed by SIGKILL at delta")


def test_a_closed_client_fails_what_is_under_way(client: HostClient, script: Script, paglet: PagletProxy) -> None:
    """Closing the client fails its pipelined calls at once."""
    gate = script.handlers["gate"] = Gate()
    waiting = far(client, paglet).send_future("gate")
    gate.wait_entered()
    client.close()
    with pytest.raises(HostDiedError):
        waiting.get_reply(5)
    gate.open.set()


def test_futures_of_many_threads_each_get_their_own(client: HostClient, paglet: PagletProxy) -> None:
    """Pipelined calls of many threads on one connection get the replies that are theirs."""
    proxy = far(client, paglet)

    def ask(worker: int) -> bool:
        futures = [proxy.send_future("echo", {"w": worker, "n": n}) for n in range(100)]
        return all(future.get_reply(10) == {"w": worker, "n": n} for n, future in enumerate(futures))

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(ask, range(4)))
    assert client.statistics()["pending"] == {paglet.host_url: 0}


def test_calls_under_way_are_bounded(
    client: HostClient, script: Script, paglet: PagletProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Past the bound of calls under way a sender waits until replies have come."""
    monkeypatch.setattr(channel_module, "MAX_PENDING", 3)
    gate = script.handlers["gate"] = Gate()
    proxy = far(client, paglet)
    first = proxy.send_future("gate")
    gate.wait_entered()
    futures = [proxy.send_future("echo") for _ in range(2)]
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(proxy.send_future, "echo")
        assert not threading.Event().wait(0.02)
        assert not sending.done()
        gate.open.set()
        futures.append(sending.result(5))
    for future in [first, *futures]:
        future.get_reply(5)


def test_callbacks_may_send(client: HostClient, paglet: PagletProxy) -> None:
    """A callback of a future, which runs in the reader's thread, may send further futures."""
    proxy = far(client, paglet)
    done = threading.Event()
    count = 0

    def following(_reply: Any) -> None:
        nonlocal count
        count += 1
        if count == 50:
            done.set()
        else:
            proxy.send_future("echo").add_done_callback(following)

    proxy.send_future("echo").add_done_callback(following)
    assert done.wait(10)


def test_a_message_past_the_bound_is_refused(
    client: HostClient, paglet: PagletProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request larger than a frame may be is refused at the sender, and nothing is left pending."""
    from paglets_nb.transport import frames

    monkeypatch.setattr(frames, "MAX_FRAME", 100_000)
    proxy = far(client, paglet)
    for send in (proxy.send, proxy.send_future, proxy.send_oneway):
        with pytest.raises(FrameError, match="past the bound"):
            send("echo", {"big": b"x" * 200_000})  # type: ignore[operator]
    assert client.statistics()["pending"] == {paglet.host_url: 0}
    assert proxy.send("echo", {"a": 1}) == {"a": 1}


def test_asking_the_host_itself(client: HostClient, alpha: Host, paglet: PagletProxy) -> None:
    """Verbs answer with their typed replies."""
    info = client.ask(alpha.address, "@health", Nothing(), HostInfo)
    assert (info.name, info.url, info.paglets) == ("alpha", alpha.address, 1)


def test_classes_are_fetched_by_name(client: HostClient, alpha: Host) -> None:
    """A class by name is the class; code that is on no host is said to be missing."""
    assert client.fetch_class(alpha.address, "paglets_nb.testing:Counter") is Counter
    with pytest.raises(SerializationError, match="0123456789abcdef is not on alpha"):
        client.fetch_class(alpha.address, "cell:Thing#0123456789abcdef")


def test_code_that_the_host_lacks_is_shipped(client: HostClient, alpha: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that asks for the code of a class is sent it, and the request made again."""
    from paglets_nb.host.host import create_request
    from paglets_nb.host.lifecycle import Lifecycle

    class Cellular(Counter):
        pass

    request = create_request(Cellular)
    digest = request.class_name.partition("#")[2]
    asked: list[str] = []
    load = Lifecycle.load

    def once_missing(self: Lifecycle, name: str) -> Any:
        asked.append(name)
        if len(asked) == 1:
            raise MissingCodeError(digest, name)
        return load(self, name)

    monkeypatch.setattr(Lifecycle, "load", once_missing)
    proxy = client.create(alpha.address, request)
    assert asked == [request.class_name] * 2
    assert proxy.is_active()
    assert code_store.bundle(digest) is not None


def test_multicast(script: Script, alpha: Host, beta: Host) -> None:
    """A message to many is a set of replies, each with whose it is."""
    me = alpha.create(Scripted)
    others = [alpha.create(Scripted), alpha.create(Scripted)]
    far_one = beta.create(Scripted)
    script.handlers["name"] = lambda me, _m: me.agent_id

    def everybody(paglet: Any, message: Message) -> list[str]:
        targets = [far_one.ref, *others] if message.args["far"] else None
        replies: ReplySet = paglet.context.multicast(Message("name"), targets)
        return sorted(reply.get_reply(5) for reply in replies)

    script.handlers["everybody"] = everybody
    assert me.send("everybody", {"far": False}) == sorted(other.agent_id for other in others)
    assert me.send("everybody", {"far": True}) == sorted([far_one.agent_id, *(other.agent_id for other in others)])
