"""Types that many threads use for the first time at once."""

from __future__ import annotations

import subprocess
import sys

MANY_THREADS = """
import dataclasses, sys, threading
from paglets_nb.codec import payload, wire

sys.setswitchinterval(1e-6)
content = {f"field{i}": {"x": i} for i in range(30)}
encoded, _buffers = payload.encode(content)

def use(cls, start):
    start.wait()
    for _ in range(3):
        assert payload.decode(encoded, (), cls) == wire.convert(content, cls)

for number in range(60):
    parts = [dataclasses.make_dataclass(f"Part{number}_{i}", [("x", int)]) for i in range(30)]
    whole = dataclasses.make_dataclass(f"Whole{number}", [(f"field{i}", part) for i, part in enumerate(parts)])
    start = threading.Barrier(4)
    threads = [threading.Thread(target=use, args=(whole, start)) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
"""


def test_first_uses_at_once_do_not_crash() -> None:
    """Threads that decode a type nobody has decoded before get its values, and the process lives."""
    ended = subprocess.run(
        [sys.executable, "-c", MANY_THREADS], check=False, capture_output=True, text=True, timeout=50
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert not ended.stderr
