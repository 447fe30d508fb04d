"""One socket, frames in and out, with a kept receive buffer.

Receiving belongs to one thread at a time; sending may come from several.
"""

from __future__ import annotations

import io
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from paglets_nb.errors import FrameError
from paglets_nb.platform import receive_timeout, use_huge_pages
from paglets_nb.transport.frames import PREFIX, REPLY, REQUEST, TYPES, Frame, buffer_lengths, check_bounds, frame_head

__all__ = ["Connection"]

KEPT = 64 * 1024
"""Bytes of the kept receive buffer; longer frames get memory of their own."""
_AT_ONCE = 8 * 1024
"""Bytes read first; more would have the allocator give memory back to the system and take it again each time."""
_STEP = 4 << 20
"""Bytes of a writable buffer received at once."""
_LARGE = 128 * 1024
"""Bytes from which on what came with the frame's head is copied, rather than the whole buffer to join it."""
_HUGE = 4 << 20
"""Bytes from which on memory in large pages is worth asking for."""
_MID_FRAME = 30.0
"""Seconds the rest of a frame may take to arrive."""
_pack = PREFIX.pack
_prefix = PREFIX.unpack_from
_SIZE = PREFIX.size


class Connection:
    """A connected stream socket that carries frames.

    Args:
        sock: connected and blocking; this object owns it.
        address: what to call the other side in errors.

    Attributes:
        timeout: seconds that each wait of a receive may take; 0 for no limit.
        pipelined: whether requests come on it whose sender does not wait for the reply before the next.
        diverted: (sender, target) pairs whose pipelined requests are turned away until one resumes.
        sent: whether the last request was sent whole.
    """

    def __init__(self, sock: socket.socket, address: str = "") -> None:
        self.sock = sock
        self.address = address
        self.pipelined = False
        self.closed = False
        self.sent = False
        self.diverted: set[tuple[str, str]] = set()
        self._buffer = bytearray(KEPT)
        self._view = memoryview(self._buffer)
        self._start = 0
        self._end = 0
        self.timeout = 0.0
        self._send_lock = threading.Lock()
        self._sendall = sock.sendall
        self._recv = sock.recv
        self._recv_into = sock.recv_into

    def set_timeout(self, seconds: float) -> None:
        """Bound each wait of a receive; 0 waits without a limit. No system call when unchanged."""
        if seconds != self.timeout:
            self.timeout = seconds
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, receive_timeout(seconds))

    def send(
        self, kind: int, flags: int, request_id: int, header: bytes, payload: bytes, buffers: Sequence[Any] = ()
    ) -> None:
        """Send one frame whole.

        Raises:
            OSError: the other side is gone.
            FrameError: past a bound; nothing was sent.
        """
        if not buffers and len(header) + len(payload) < KEPT:
            with self._send_lock:
                self._sendall(_pack(len(header), len(payload), 0, kind, flags, request_id) + header + payload)
            return
        head = frame_head(kind, flags, request_id, header, payload, buffers)
        with self._send_lock:
            self._sendall(head)
            for buffer in buffers:
                self._sendall(buffer)

    def reply(self, kind: int, request_id: int, payload: bytes) -> None:
        """Send a small answer, and close where nobody takes it.

        Of requests that wait for each other there is one sender, and no lock is needed.
        """
        try:
            if self.pipelined:
                self.send(kind, 0, request_id, b"", payload)
            else:
                self._sendall(_pack(0, len(payload), 0, kind, 0, request_id) + payload)
        except OSError:
            self.close()

    def request(self, request_id: int, header: bytes, payload: bytes, buffers: Sequence[Any], timeout: float) -> None:
        """Send a request, on a connection that nobody else uses until its reply came.

        Raises:
            OSError: the other side is gone.
            FrameError: past a bound; nothing was sent.
        """
        self.sent = False
        self.set_timeout(timeout)
        self.send(REQUEST, 0, request_id, header, payload, buffers)
        self.sent = True

    def ask(self, request_id: int, header: bytes, payload: bytes, timeout: float) -> bytes | None:
        """The same without buffers, and take its reply where that is small; as few steps as can be.

        Returns:
            The reply's payload. None where something else came, which ``receive`` then gives.

        Raises:
            OSError: the other side is gone; ``sent`` says whether the request was sent whole before.
            BlockingIOError: the time-out passed.
            FrameError: past a bound; nothing was sent.
        """
        self.sent = False
        if timeout != self.timeout:
            self.set_timeout(timeout)
        if len(header) + len(payload) < KEPT:
            self._sendall(_pack(len(header), len(payload), 0, REQUEST, 0, request_id) + header + payload)
        else:
            self.send(REQUEST, 0, request_id, header, payload)
        self.sent = True
        data = self._recv(_AT_ONCE)
        size = len(data)
        if size >= _SIZE:
            header_len, payload_len, n_buffers, kind, _flags, _number = _prefix(data)
            if kind == REPLY and _SIZE + payload_len == size and not header_len and not n_buffers:
                return data[_SIZE:]
        self._buffer[:size] = data
        self._start, self._end = 0, size
        return None

    def receive(self) -> Frame | None:
        """The next frame; None when the other side closed between frames.

        Raises:
            BlockingIOError: the time-out passed.
            ConnectionError: closed in the middle of a frame.
            FrameError: not a frame.
        """
        if self._start == self._end:
            data = self._recv(_AT_ONCE)
            if len(data) >= _SIZE:  # as a rule what comes is one frame whole
                header_len, payload_len, n_buffers, kind, flags, request_id = _prefix(data)
                body = _SIZE + header_len
                if body + payload_len == len(data) and not n_buffers and kind in TYPES:
                    return Frame(kind, flags, request_id, data[_SIZE:body], data[body:], ())
            return self._receive_rest(data)
        return self._receive()

    def _receive_rest(self, data: bytes) -> Frame | None:
        """The frame that begins with ``data``; None when that is empty."""
        if not data:
            return None
        self._buffer[: len(data)] = data
        self._start, self._end = 0, len(data)
        return self._receive()

    def _receive(self) -> Frame | None:
        have = self._end - self._start
        if have < _SIZE:
            if not self._fill(_SIZE):
                return None
            have = self._end - self._start
        start = self._start
        header_len, payload_len, n_buffers, kind, flags, request_id = _prefix(self._buffer, start)
        check_bounds(header_len, payload_len, n_buffers, kind)
        body = start + _SIZE
        end = body + header_len + payload_len
        if end - start <= have and not n_buffers:
            view = self._view
            header = bytes(view[body : body + header_len])
            payload = bytes(view[body + header_len : end])
            if end == self._end:
                self._start = self._end = 0
            else:
                self._start = end
            return Frame(kind, flags, request_id, header, payload, ())
        self._start = body
        with self._mid_frame():
            header = self._take(header_len)
            payload = self._take(payload_len)
            buffers = [
                self._take_bytearray(length) if mutable else self._take(length)
                for length, mutable in buffer_lengths(self._take(8 * n_buffers), payload_len)
            ]
        return Frame(kind, flags, request_id, header, payload, buffers)

    @contextmanager
    def _mid_frame(self) -> Iterator[None]:
        """The rest of a frame must come in time, also where the next frame may be long in coming."""
        before = self.timeout
        if not before:
            self.set_timeout(_MID_FRAME)
        try:
            yield
        except BlockingIOError:
            if before:
                raise
            raise FrameError("the rest of a frame did not come") from None
        finally:
            if not before and not self.closed:
                with suppress(OSError):
                    self.set_timeout(before)

    def has_buffered(self) -> bool:
        """Whether bytes of a further frame have been read already."""
        return self._end > self._start

    def _fill(self, wanted: int) -> bool:
        """Read until the kept buffer holds ``wanted`` bytes; False at an end between frames."""
        if self._start and KEPT - self._start < wanted:
            rest = self._view[self._start : self._end].tobytes()
            self._buffer[: len(rest)] = rest
            self._start, self._end = 0, len(rest)
        elif self._start == self._end:
            self._start = self._end = 0
        if self._start == self._end:
            self._end = count = self._recv_into(self._view)
            if not count:
                return False
        if self._end - self._start < wanted:
            with self._mid_frame():
                self._complete(wanted)
        return True

    def _complete(self, wanted: int) -> None:
        while self._end - self._start < wanted:
            count = self.sock.recv_into(self._view[self._end :])
            if not count:
                raise ConnectionResetError("closed in the middle of a frame")
            self._end += count

    def _buffered(self, size: int) -> memoryview:
        taken = self._view[self._start : min(self._start + size, self._end)]
        self._start += len(taken)
        if self._start == self._end:
            self._start = self._end = 0
        return taken

    def _take(self, size: int) -> bytes:
        """Exactly ``size`` bytes; large ones are received into their own memory by the kernel."""
        if size >= _LARGE:
            return self._take_large(size)
        first = self._buffered(size)
        if len(first) == size:
            return bytes(first)
        parts = [bytes(first)] if first else []
        missing = size - len(first)
        while missing:
            part = self.sock.recv(missing, socket.MSG_WAITALL)
            if not part:
                raise ConnectionResetError("closed in the middle of a frame")
            missing -= len(part)
            parts.append(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _take_large(self, size: int) -> bytes:
        """The same; the zeros it begins with take no memory before bytes come in their place."""
        whole = io.BytesIO(bytes(size))
        with whole.getbuffer() as view:
            if size >= _HUGE:
                use_huge_pages(view)
            first = self._buffered(size)
            done = len(first)
            view[:done] = first
            while done < size:
                with view[done:] as rest:
                    count = self.sock.recv_into(rest, size - done, socket.MSG_WAITALL)
                if not count:
                    raise ConnectionResetError("closed in the middle of a frame")
                done += count
        return whole.getvalue()

    def _take_bytearray(self, size: int) -> bytearray:
        """The same, writable; memory is taken as the bytes come, not as they are promised."""
        whole = bytearray(self._buffered(size))
        while len(whole) < size:
            part = self.sock.recv(min(size - len(whole), _STEP), socket.MSG_WAITALL)
            if not part:
                raise ConnectionResetError("closed in the middle of a frame")
            whole += part
        return whole

    def close(self) -> None:
        """Close; a thread blocked in ``receive`` is woken."""
        self.closed = True
        with suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
        with suppress(OSError):
            self.sock.close()
