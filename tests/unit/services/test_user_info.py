"""The user-info contract."""

from __future__ import annotations

from paglets_nb import Message
from paglets_nb.services.user_info import NOTIFY_USER, USER_INFO, NotificationSeverity, UserInfoReply, UserInfoRequest


def test_the_contract() -> None:
    """The names and the version that others know it by."""
    assert (USER_INFO.name, USER_INFO.version, USER_INFO.capabilities) == ("user-info", "1", ("notify",))
    assert USER_INFO.require_operation("notify") is NOTIFY_USER
    assert [severity.value for severity in NotificationSeverity] == ["info", "warning", "error"]


def test_a_request_survives_the_wire() -> None:
    """Every field of a notification arrives; a severity given as a member arrives as its value."""
    request = UserInfoRequest(NotificationSeverity.ERROR, "title", "text", "agent", "job", 12.5, {"n": [1, 2]})
    arrived = NOTIFY_USER.decode_request(NOTIFY_USER.encode_request(request))
    assert arrived == request
    assert arrived.severity == "error"
    assert NOTIFY_USER.decode_request({}) == UserInfoRequest()


def test_routing() -> None:
    """A provider handles the operation with a plain function."""
    seen: list[UserInfoRequest] = []

    def take(request: UserInfoRequest) -> UserInfoReply:
        seen.append(request)
        return UserInfoReply(notification_id="7")

    reply = USER_INFO.route(Message("notify", {"title": "t"}), {NOTIFY_USER: take})
    assert reply == {"delivered": True, "notification_id": "7"}
    assert seen[0].title == "t"
