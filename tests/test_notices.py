"""Notices are told as they are found, once each, and kept in order."""

from vsr.notices import Notices


def test_each_notice_is_told_once_and_kept_in_order() -> None:
    told: list[str] = []
    notices = Notices(told.append)
    for text in ("one", "two", "one", "three", "two"):
        notices.say(text)
    assert told == ["one", "two", "three"]
    assert notices.said == ("one", "two", "three")


def test_without_a_listener_notices_are_kept() -> None:
    notices = Notices()
    assert not notices.said
    notices.say("one")
    assert notices.said == ("one",)
