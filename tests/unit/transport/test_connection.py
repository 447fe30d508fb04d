"""Frames on one socket."""

from __future__ import annotations

import random
import resource
import socket
import struct
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import astuple

from paglets_nb.errors import FrameError
from paglets_nb.testing import wait_until
from paglets_nb.transport import connection as module
from paglets_nb.transport.connection import KEPT, Connection
from paglets_nb.transport.frames import ERROR, MAX_FRAME, MAX_HEADER, MOVED, REPLY, REQUEST, Frame, frame_head

Pair = tuple[Connection, Connection]


def sent_whole(frame: Frame) -> bytes:
    """The bytes of a frame as they travel."""
    return frame_head(*astuple(frame)) + b"".join(frame.buffers)


def test_a_frame_comes_back(pair: Pair) -> None:
    """A frame arrives with every part as it was sent."""
    left, right = pair
    left.send(REQUEST, 1, 7, b"header", b"payload")
    assert right.receive() == Frame(REQUEST, 1, 7, b"header", b"payload", ())
    right.send(MOVED, 0, 2**32 - 1, b"", b"")
    assert left.receive() == Frame(MOVED, 0, 2**32 - 1, b"", b"", ())


@pytest.mark.parametrize("size", [0, 1, KEPT - 17, KEPT - 16, KEPT - 15, KEPT, KEPT + 1, 3 * KEPT, 5_000_000])
def test_payloads_of_any_size_arrive(pair: Pair, size: int) -> None:
    """Payloads around and past the kept buffer arrive whole, and so does what follows them."""
    left, right = pair
    payload = random.Random(size).randbytes(size)
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(left.send, REQUEST, 0, 1, b"h", payload)
        frame = right.receive()
        sending.result(5)
    assert frame is not None
    assert not frame.buffers
    assert astuple(frame)[:5] == (REQUEST, 0, 1, b"h", payload)
    left.send(REPLY, 0, 2, b"", b"next")
    assert right.receive() == Frame(REPLY, 0, 2, b"", b"next", ())


def test_buffers_arrive_beside_the_payload(pair: Pair) -> None:
    """Buffers of any size arrive in order; writable ones as bytearrays, others as bytes."""
    left, right = pair
    view = memoryview(bytearray(8000)).cast("d")
    buffers = [b"small", bytearray(b"writable"), b"", random.Random(1).randbytes(1_000_000), bytearray(300_000), view]
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(left.send, REQUEST, 0, 1, b"h", b"p", buffers)
        frame = right.receive()
        sending.result(5)
    assert frame is not None
    assert [bytes(buffer) for buffer in frame.buffers] == [bytes(buffer) for buffer in buffers]
    assert [type(buffer) for buffer in frame.buffers] == [bytes, bytearray, bytes, bytes, bytearray, bytearray]


def test_many_frames_in_one_read(pair: Pair) -> None:
    """Frames that arrive together are handed out one by one, in order."""
    left, right = pair
    left.sock.sendall(b"".join(sent_whole(Frame(REPLY, 0, n, b"h" * n, b"p" * n, ())) for n in range(50)))
    for number in range(50):
        frame = right.receive()
        assert frame is not None
        assert (frame.request_id, frame.header) == (number, b"h" * number)
        assert right.has_buffered() is (number < 49)


@settings(max_examples=30)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([REQUEST, REPLY, ERROR, MOVED]),
            st.integers(0, 2**32 - 1),
            st.binary(max_size=30),
            st.integers(0, 200) | st.integers(KEPT - 40, KEPT + 40),
            st.lists(st.binary(max_size=100), max_size=3),
        ),
        min_size=1,
        max_size=6,
    ),
    st.lists(st.integers(1, 200), min_size=1, max_size=30),
)
def test_torn_frames_are_put_together(frames: list[tuple[int, int, bytes, int, list[bytes]]], cuts: list[int]) -> None:
    """However the bytes are torn on their way, the same frames come out."""
    one, two = socket.socketpair()
    left, right = Connection(one), Connection(two)
    data = b"".join(sent_whole(Frame(kind, 0, number, h, bytes(size), b)) for kind, number, h, size, b in frames)

    def dribble() -> None:
        at = 0
        while at < len(data):
            step = cuts[at % len(cuts)] if at < 2000 else 30_000
            left.sock.sendall(data[at : at + step])
            at += step

    try:
        with ThreadPoolExecutor(1) as pool:
            sending = pool.submit(dribble)
            for kind, number, header, size, buffers in frames:
                frame = right.receive()
                assert frame is not None
                assert astuple(frame)[:5] == (kind, 0, number, header, bytes(size))
                assert list(frame.buffers) == buffers
            sending.result(5)
        left.close()
        assert right.receive() is None
    finally:
        left.close()
        right.close()


def test_an_end_between_frames_is_no_error(pair: Pair) -> None:
    """A peer that closes between frames ends the stream quietly, what it sent is still read."""
    left, right = pair
    left.send(REQUEST, 0, 1, b"", b"last")
    left.close()
    frame = right.receive()
    assert frame is not None
    assert frame.payload == b"last"
    assert right.receive() is None


@pytest.mark.parametrize("length", [1, 15, 16, 17, 20, 25, 30, 200_000])
def test_half_a_frame_is_a_lost_connection(pair: Pair, length: int) -> None:
    """A peer that closes inside a frame, wherever, is a ConnectionError."""
    left, right = pair
    data = sent_whole(Frame(REQUEST, 0, 1, b"head", b"payload", [b"x" * 400_000]))
    with ThreadPoolExecutor(1) as pool:
        got = pool.submit(right.receive)
        left.sock.sendall(data[:length])
        left.close()
        with pytest.raises(ConnectionError, match="middle of a frame"):
            got.result(5)


@pytest.mark.parametrize(
    "prefix",
    [
        b"GET / HTTP/1.1\r\nHost: here\r\n\r\n",
        b"\x00" * 20,
        b"\xff" * 20,
        struct.pack("<IIHBBQ", MAX_HEADER + 1, 0, 0, REQUEST, 0, 0),
        struct.pack("<IIHBBQ", 0, MAX_FRAME + 1, 0, REQUEST, 0, 0),
        struct.pack("<IIHBBQ", 0, 0, 65535, REQUEST, 0, 0),
        struct.pack("<IIHBBQ", 0, 0, 1, REQUEST, 0, 0) + struct.pack("<Q", MAX_FRAME + 1),
        struct.pack("<IIHBBQ", 0, 0, 2, REQUEST, 0, 0) + struct.pack("<QQ", MAX_FRAME, 1 | 1 << 63),
    ],
)
def test_bytes_that_are_no_frame_are_refused(pair: Pair, prefix: bytes) -> None:
    """Wrong sizes and foreign protocols are a FrameError at once, without waiting for more."""
    left, right = pair
    left.sock.sendall(prefix)
    with pytest.raises(FrameError):
        right.receive()


def test_the_time_out_of_a_receive(pair: Pair) -> None:
    """A receive past its time-out raises and the connection can still be read."""
    left, right = pair
    right.set_timeout(0.02)
    with pytest.raises(BlockingIOError):
        right.receive()
    right.set_timeout(0)
    left.send(REPLY, 0, 1, b"", b"late")
    frame = right.receive()
    assert frame is not None
    assert frame.payload == b"late"


def test_the_rest_of_a_frame_has_a_deadline(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """A peer that stops inside a frame loses its connection, though frames may be long in coming."""
    monkeypatch.setattr(module, "_MID_FRAME", 0.05)
    left, right = pair
    left.sock.sendall(sent_whole(Frame(REQUEST, 0, 1, b"head", b"payload", ()))[:-3])
    with pytest.raises(FrameError, match="did not come"):
        right.receive()


@pytest.mark.parametrize("writable", [0, 1 << 63])
def test_a_promised_buffer_takes_no_memory(pair: Pair, writable: int) -> None:
    """Memory is used for the bytes that have come, not for those a peer only promises."""
    left, right = pair
    left.sock.sendall(struct.pack("<IIHBBQQ", 0, 0, 1, REQUEST, 0, 1, (512 << 20) | writable) + b"x" * 100)
    left.close()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ConnectionError, match="middle of a frame"):
        right.receive()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 1024


@pytest.mark.parametrize("size", [128 * 1024, 5 << 20])
def test_large_bytes_arrive_as_bytes_in_one_piece(pair: Pair, size: int) -> None:
    """Large bytes arrive whole and as bytes, what came in one read with the frame's head included."""
    left, right = pair
    content = random.Random(size).randbytes(size)
    sender = threading.Thread(target=left.send, args=(REQUEST, 0, 7, b"head", b"payload", (content, b"behind")))
    sender.start()
    frame = right.receive()
    sender.join(10)
    assert frame is not None
    assert type(frame.buffers[0]) is bytes
    assert list(frame.buffers) == [content, b"behind"]
    assert not right.has_buffered()


def test_large_bytes_that_break_off_are_a_lost_connection(pair: Pair) -> None:
    """Where the sender ends within large bytes the reader is told so."""
    left, right = pair
    left.sock.sendall(struct.pack("<IIHBBQQ", 0, 0, 1, REQUEST, 0, 1, 5 << 20) + b"x" * 100_000)
    left.close()
    with pytest.raises(ConnectionError, match="middle of a frame"):
        right.receive()


def test_close_wakes_the_reader(pair: Pair) -> None:
    """A thread blocked in a receive is woken when another closes the connection."""
    _left, right = pair
    ended = threading.Event()

    def read() -> None:
        try:
            assert right.receive() is None
        except OSError:
            pass
        ended.set()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    wait_until(reader.is_alive, what="the reader")
    right.close()
    assert ended.wait(5)
    assert right.closed


def test_closing_twice_is_harmless(pair: Pair) -> None:
    """Closing is idempotent, and sending on a closed connection is an OSError."""
    left, _right = pair
    left.close()
    left.close()
    with pytest.raises(OSError, match="."):
        left.send(REPLY, 0, 1, b"", b"")


def test_a_message_past_the_bound_sends_nothing(pair: Pair) -> None:
    """A refused message leaves the stream usable."""
    left, right = pair
    with pytest.raises(FrameError):
        left.send(REQUEST, 0, 1, b"x" * (MAX_HEADER + 1), b"")
    left.send(REQUEST, 0, 2, b"", b"ok")
    frame = right.receive()
    assert frame is not None
    assert frame.request_id == 2


def test_many_threads_send_whole_frames(pair: Pair) -> None:
    """Frames sent by several threads at once never mix."""
    left, right = pair
    with ThreadPoolExecutor(4) as pool:
        for worker in range(4):
            for number in range(25):
                content = bytes([worker]) * (1000 * (number % 5) + 1)
                pool.submit(left.send, REQUEST, worker, number, b"", content, [content * 40])
        seen: dict[int, int] = {}
        for _ in range(100):
            frame = right.receive()
            assert frame is not None
            assert set(frame.payload) == {frame.flags} == set(frame.buffers[0])
            seen[frame.flags] = seen.get(frame.flags, 0) + 1
    assert seen == {0: 25, 1: 25, 2: 25, 3: 25}


def test_a_short_reply_is_taken_at_once(pair: Pair) -> None:
    """Asking gives its payload, and leaves the connection as it was."""
    left, right = pair
    for number in range(1, 4):
        right.send(REPLY, 0, number, b"", b"reply" * number)
        assert left.ask(number, b"head", b"payload", 5.0) == b"reply" * number
        assert right.receive() == Frame(REQUEST, 0, number, b"head", b"payload", ())
        assert left.sent
        assert not left.has_buffered()


@pytest.mark.parametrize("pipelined", [False, True])
def test_a_reply_is_a_frame_without_a_header(pair: Pair, pipelined: bool) -> None:
    """Whether its connection is pipelined or not; where nobody takes it, the connection closes."""
    left, right = pair
    right.pipelined = pipelined
    right.reply(ERROR, 7, b"why")
    assert left.receive() == Frame(ERROR, 0, 7, b"", b"why", ())
    left.close()
    right.reply(REPLY, 8, b"reply")
    assert right.closed


@pytest.mark.parametrize(
    "answer",
    [
        Frame(MOVED, 0, 1, b"unix:///elsewhere", b"", ()),
        Frame(ERROR, 0, 1, b"", b"why", ()),
        Frame(REPLY, 0, 1, b"head", b"payload", ()),
        Frame(REPLY, 0, 1, b"", b"p" * 100_000, ()),
    ],
    ids=["moved", "error", "with a header", "long"],
)
def test_any_other_answer_is_there_to_receive(pair: Pair, answer: Frame) -> None:
    """Asking says that it took nothing, and nothing of what came is lost."""
    left, right = pair
    right.send(*astuple(answer)[:5])
    assert left.ask(1, b"head", b"payload", 5.0) is None
    frame = left.receive()
    assert frame is not None
    assert astuple(frame)[:5] == astuple(answer)[:5]
    right.send(REPLY, 0, 2, b"", b"next")
    assert left.ask(2, b"head", b"payload", 5.0) == b"next"


@pytest.mark.parametrize("size", [KEPT - 17, KEPT, 3 * KEPT])
def test_a_long_request_is_asked_too(pair: Pair, size: int) -> None:
    """It arrives whole, whatever its size."""
    left, right = pair
    payload = random.Random(size).randbytes(size)
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(left.ask, 1, b"h", payload, 5.0)
        frame = right.receive()
        assert frame is not None
        assert astuple(frame)[:5] == (REQUEST, 0, 1, b"h", payload)
        right.send(REPLY, 0, 1, b"", b"reply")
        assert asking.result(5) == b"reply"


def test_whether_the_request_was_sent_is_known(pair: Pair) -> None:
    """When the other side closes after it, before it, or when no answer comes in time."""
    left, right = pair
    with pytest.raises(BlockingIOError):
        left.ask(1, b"head", b"payload", 0.01)
    assert left.sent
    assert right.receive() is not None
    right.close()
    with pytest.raises(BrokenPipeError):
        left.ask(2, b"head", b"payload", 5.0)
    assert not left.sent
    with pytest.raises(BrokenPipeError):
        left.request(3, b"head", b"payload", (), 5.0)
    assert not left.sent


def test_a_request_past_the_bound_is_not_sent(pair: Pair) -> None:
    """The connection is as good as before."""
    left, right = pair
    with pytest.raises(FrameError):
        left.ask(1, bytes(MAX_HEADER + 1), b"", 5.0)
    assert not left.sent
    right.send(REPLY, 0, 2, b"", b"reply")
    assert left.ask(2, b"", b"", 5.0) == b"reply"
