from __future__ import annotations

from paglets_nb.host.protocol import HostInfo, PagletInfo
from paglets_nb.mesh.figures import HostFigures
from paglets_nb.widgets.panel_rows import (
    MAX_LISTED,
    headline,
    host_row,
    interrupted,
    paglet_rows,
    panel_html,
    panel_text,
    restart_question,
)

MIB = 1 << 20
INFO = HostInfo("alpha", "unix:///a", 7, 3, 60.0, 2, 9, asleep=1, rss_bytes=50 * MIB, pss_bytes=20 * MIB)
UP = HostFigures("alpha", "up", "", 0, 7, info=INFO, cpu=1.5, messages_per_second=1234.5)
SILENT = HostFigures("beta", "up", "", 0, 8, silent=12.3)
RESTARTED = HostFigures("gamma", "up", "killed by\nSIGKILL", 2, 9, info=INFO, cpu=0.004, messages_per_second=2.25)
DEAD = HostFigures("delta", "dead", "<b>gone</b>", 5, 9, info=INFO, cpu=0.45, messages_per_second=12.0)


def paglet(number: int, *, active: bool = True) -> PagletInfo:
    """A paglet of a listing."""
    return PagletInfo(f"id{number}", "__main__:<i>Kind</i>#abc", "alpha", "unix:///a", 7, active=active, waiting=4)


def test_a_host_that_is_up() -> None:
    """Its figures are told as people read them."""
    row = host_row(UP)
    assert (row["state"], row["tone"], row["note"], row["pid"], row["paglets"]) == (
        "up",
        "good",
        "",
        "7",
        "4 (1 asleep)",
    )
    assert (row["cpu"], row["load"], row["memory"], row["rate"]) == ("150%", 1.0, "50.0 MiB", "1,234")
    assert row["memory_hint"] == "20.0 MiB of it its own share"
    assert (row["count"], row["up"]) == (4, True)


def test_a_host_that_is_not_well() -> None:
    """One that is silent, was restarted, is dead or is being worked on says so, and why."""
    silent = host_row(SILENT)
    assert (silent["state"], silent["tone"], silent["cpu"]) == ("not answering for 12 s", "bad", "")
    again = host_row(RESTARTED)
    assert (again["state"], again["note"], again["restarts"]) == ("up", "last restart: killed by SIGKILL", 2)
    assert (again["cpu"], again["rate"]) == ("0%", "2.2")
    dead = host_row(DEAD)
    assert (dead["state"], dead["tone"], dead["note"], dead["pid"], dead["memory"]) == (
        "dead",
        "bad",
        "<b>gone</b>",
        "",
        "",
    )
    assert (dead["cpu"], dead["load"], dead["rate"]) == ("", 0.0, "")
    doing = host_row(RESTARTED, "restarting")
    assert (doing["state"], doing["tone"], doing["note"], doing["doing"]) == ("restarting", "busy", "", "restarting")


def test_many_paglets_are_cut() -> None:
    """The first of them are listed, with how many there are."""
    listed = paglet_rows([paglet(number, active=bool(number)) for number in range(MAX_LISTED + 5)])
    assert len(listed["rows"]) == MAX_LISTED
    assert listed["total"] == MAX_LISTED + 5
    assert listed["rows"][0] == ["id0", "<i>Kind</i>", 4, "asleep", ""]
    assert listed["rows"][1][3] == "active"
    assert "and 5 more" in panel_text("mesh", [], {"alpha": listed})


def test_the_headline() -> None:
    """It sums up what is up."""
    assert headline([UP, SILENT, DEAD]) == "3 hosts, 1 up, 4 paglets, 1,234 messages/s"
    assert headline([UP]) == "1 host, 4 paglets, 1,234 messages/s"


def test_the_pictures() -> None:
    """Text has every host and every listed paglet; HTML too, with all of it escaped."""
    rows, listed = (
        [host_row(host) for host in (UP, DEAD)],
        {"alpha": paglet_rows([paglet(1)]), "delta": paglet_rows([])},
    )
    text = panel_text("mesh <m>", rows, listed)
    assert text.splitlines()[0] == "mesh <m>"
    assert text.splitlines()[2].split()[:3] == ["alpha", "up", "7"]
    assert "dead (<b>gone</b>)" in text
    assert text.splitlines()[-3:-2] == ["id1     <i>Kind</i>  4        active"]
    assert text.endswith("paglets on delta\nnone")
    html = panel_html("mesh <m>", rows, listed)
    assert html.startswith("<b>mesh &lt;m&gt;</b>")
    assert "&lt;b&gt;gone&lt;/b&gt;" in html
    assert "&lt;i&gt;Kind&lt;/i&gt;" in html
    assert "<i>" not in html
    assert "paglets on delta: none" in html


def test_the_question_before_a_restart() -> None:
    """It names some of what would be lost, and is empty where nothing is."""
    lost = [PagletInfo(f"id{n}", "m:Counter#1", "alpha", "u", 1, name=f"p{n}" if n else "") for n in range(8)]
    kept = [PagletInfo("k", "m:Counter", "alpha", "u", 1, name="kept", durable=True)]
    assert restart_question("alpha", kept) == ""
    assert restart_question("alpha", []) == ""
    assert restart_question("alpha", lost + kept + kept) == (
        "Restart alpha? 8 paglets would be lost: Counter id0, p1, p2, p3, p4 and 3 more. 2 durable ones come back."
    )
    assert restart_question("alpha", None).startswith("Restart alpha? It does not answer")


def test_an_interrupt_in_words() -> None:
    """What did not answer is not said to be interrupted."""
    assert interrupted("alpha", 0) == "no cell of this notebook was running on alpha"
    assert interrupted("alpha", 2) == "interrupted 2 cells on alpha"
    said = "alpha does not answer; the interrupt takes effect once it does, else: %paglet restart alpha"
    assert interrupted("alpha", 2, silent=True) == said
