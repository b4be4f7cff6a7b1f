from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from ci.journal import notices
from ci.journal.notices import Channel, Kind, Notice, Sending, Tale

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from ci.journal import Journal

TALE = Tale(
    incident="one", kind=Kind.OPENED, environment="production", document='{"what": "smoke"}', report=b"<h1>\0</h1>"
)
BOTH = (Channel.MAIL, Channel.PAGE)


def test_a_tale_is_written_once_and_stays_as_it_was(opened: Callable[[], Journal]) -> None:
    first = opened().notices.write(TALE, BOTH)
    again = opened().notices.write(dataclasses.replace(TALE, document="another", report=None), (Channel.ISSUE,))
    assert first == again
    assert [(each.channel, each.state, each.tries, each.waits) for each in first] == [
        (Channel.MAIL, Sending.PENDING, 0, True),
        (Channel.PAGE, Sending.PENDING, 0, True),
    ]
    kept = opened().notices.tale("one", Kind.OPENED)
    assert kept is not None
    assert dataclasses.replace(kept, moment=0.0) == TALE
    assert kept.moment == first[0].written
    assert opened().notices.tale("one", Kind.RESOLVED) is None


def test_one_try_is_made_at_a_time_and_what_is_sent_is_not_tried_again(opened: Callable[[], Journal]) -> None:
    mine, other = opened().notices, opened().notices
    mail, _ = mine.write(TALE, BOTH)
    taken = mine.take(mail)
    assert taken is not None
    assert (taken.state, taken.tries) == (Sending.PENDING, 1)
    assert other.take(mail) is None
    assert [each.channel for each in other.waiting("production", before=other.now())] == [Channel.PAGE]
    sent = mine.sent(taken, reference="<1@acme.test>", reason="nobody@acme.test does not get it")
    assert (sent.state, sent.reference, sent.due) == (Sending.SENT, "<1@acme.test>", None)
    assert other.take(sent) is None
    assert other.failed(taken, "it came too late").state is Sending.SENT
    assert [each.channel for each in other.waiting("production")] == [Channel.PAGE]
    assert other.waiting("staging") == ()


def test_what_failed_is_due_again_after_growing_pauses_and_is_given_up_after_a_day(
    opened: Callable[[], Journal], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = opened().notices
    notice, _ = kept.write(TALE, BOTH)
    pauses = []
    for _ in range(8):
        taken = kept.take(notice)
        assert taken is not None
        notice = kept.failed(taken, "PagerDuty cannot be reached")
        assert notice.due is not None
        pauses.append(round(notice.due - notice.moment))
    assert pauses == [60, 120, 240, 480, 960, 1920, 3600, 3600]
    assert (notice.state, notice.reason, notice.tries) == (Sending.FAILED, "PagerDuty cannot be reached", 8)
    monkeypatch.setattr(notices, "LASTING", 10.0)
    assert kept.failed(notice, "still").due is None
    assert [each.channel for each in kept.waiting("production")] == [Channel.PAGE]
    page = kept.waiting("production")[0]
    assert kept.failed(page, "it is over", over=True).due is None


def test_every_change_of_a_notice_is_heard(journal: Journal) -> None:
    heard: list[Notice] = []
    journal.notices.heard = heard.append
    (notice,) = journal.notices.write(TALE, (Channel.MAIL,))
    taken = journal.notices.take(notice)
    assert taken is not None
    ended = journal.notices.sent(taken)
    assert heard == [notice, taken, ended]
