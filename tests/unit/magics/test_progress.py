from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from paglets_nb.magics.progress import ProgressLine, progress, waiting
from paglets_nb.testing import wait_until


class _Kernel:
    """Records what a kernel's shell would publish, and for which cell."""

    def __init__(self) -> None:
        self.published: list[dict[str, Any]] = []
        self.parents: list[Any] = []
        self.display_pub = SimpleNamespace(publish=lambda **message: self.published.append(message))

    def get_parent(self) -> str:
        return "cell"

    def set_thread_parent(self, parent: str) -> str:
        self.parents.append(parent)
        return "token"

    def reset_thread_parent(self, tokens: str) -> None:
        assert tokens == "token"


def test_a_kernel_updates_one_line_in_place() -> None:
    """The first text is shown, the next ones replace it, all in the cell that began."""
    kernel = _Kernel()
    line = ProgressLine(kernel)
    line.update("1 <of> 2")
    line.finish("done")
    first, second = kernel.published
    assert (first["update"], second["update"]) == (False, True)
    assert first["transient"] == second["transient"]
    assert first["data"]["text/plain"] == "1 <of> 2"
    assert "1 &lt;of&gt; 2" in first["data"]["text/html"]
    assert kernel.parents == ["cell", "cell"]


def test_a_terminal_sees_the_last_text_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """Where nothing can be updated, only the end is written."""
    line = ProgressLine(SimpleNamespace())
    line.update("1 of 2")
    line.finish("done")
    assert capsys.readouterr().out == "done\n"


def test_quick_news_are_left_out() -> None:
    """``tell`` says whether it showed the text; a picture goes along with it."""
    kernel = _Kernel()
    line = ProgressLine(kernel)
    assert line.tell("1 of 9", "<b>1</b>")
    assert not line.tell("2 of 9")
    line.update("9 of 9")
    assert [message["data"]["text/plain"] for message in kernel.published] == ["1 of 9", "9 of 9"]
    assert kernel.published[0]["data"]["text/html"] == "<b>1</b>"


@pytest.mark.parametrize(
    ("error", "said"), [(KeyboardInterrupt, "working: stopped"), (ValueError, "working: it failed")]
)
def test_a_line_tells_how_it_ended(error: type[BaseException], said: str) -> None:
    """What was interrupted or failed is told in the line, and raised."""
    kernel = _Kernel()
    with pytest.raises(error), progress(kernel, "working"):
        raise error
    assert [message["data"]["text/plain"] for message in kernel.published] == ["working ...", said]


def test_what_takes_long_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Past its time what goes on is shown, and then how long it took; what is quick shows nothing."""
    kernel = _Kernel()
    with waiting(kernel, "drawing the chart"):
        pass
    assert kernel.published == []
    monkeypatch.setattr("paglets_nb.magics.progress._LONG", 0.01)
    with waiting(kernel, "drawing the chart"):
        wait_until(lambda: kernel.published)
    shown = [message["data"]["text/plain"] for message in kernel.published]
    assert shown[0] == "drawing the chart ..."
    assert shown[1].startswith("drawing the chart: ")
