from __future__ import annotations

from paglets_nb.mesh.notifications import Notification
from paglets_nb.widgets.notices import KEPT_EACH, Notices, entry, whole


def told(number: int, severity: str = "info", message: str = "m", **details: str) -> Notification:
    """A notification."""
    return Notification(number, "alpha", "a1", severity, f"title {number}", message, "job", 5.0, "", dict(details))


class Source(list[Notification]):
    """Notifications, as a mesh gives them."""

    def since(self, number: int) -> list[Notification]:
        """Those above a number."""
        return [one for one in self if one.number > number]


def test_newest_first_and_each_once() -> None:
    """What has come is taken once, and is listed from the newest on; a number finds it again."""
    source = Source([told(1), told(2, "error")])
    notices = Notices(source.since)
    source.append(told(3, "warning"))
    assert notices.refresh() == 2
    assert [one.number for one in notices.list()] == [3, 2, 1]
    assert notices.refresh() == 3
    assert [one.number for one in notices.list(2)] == [3]
    assert notices.find(2) == source[1]
    assert notices.find(7) is None


def test_few_of_one_severity_outlast_many_of_another() -> None:
    """Each severity is bounded for itself."""
    source = Source([told(1, "error"), *(told(number) for number in range(2, KEPT_EACH + 50))])
    notices = Notices(source.since)
    assert len(notices.list()) == KEPT_EACH + 1
    assert notices.find(1) is not None
    assert notices.find(2) is None


def test_as_a_table() -> None:
    """The table is the verb's: oldest first, of one severity where that is wanted."""
    notices = Notices(Source([told(1), told(2, "ERROR"), told(3, "odd")]).since)
    assert [one.number for one in notices.table()] == [1, 2, 3]
    assert [one.number for one in notices.table("error")] == [2]
    assert [one.number for one in notices.table("info")] == [1, 3]


def test_a_line_is_short_and_the_whole_is_not() -> None:
    """A long message is cut in the list, and whole when it is asked for; values of metadata are text."""
    long = told(1, "error", "x" * 5000, disk="/dev/<sda>")
    line = entry(long)
    assert len(line["message"]) == 300
    assert line["clipped"]
    assert (line["severity"], line["source"], line["paglet"], line["job"]) == ("error", "alpha", "a1", "job")
    assert whole(long)["message"] == "x" * 5000
    assert whole(long)["metadata"] == [["disk", "/dev/<sda>"]]
    assert not entry(told(2))["clipped"]
    assert len(whole(told(3, message="x" * 10**6))["message"]) == 20_000
