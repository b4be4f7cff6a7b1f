"""What the stand-in knows, beside the repository itself, and what follows from a branch that moves."""

from __future__ import annotations

import dataclasses
import datetime
import time
from typing import TYPE_CHECKING, Any

import anyio

from ci.rehearsal.github.answers import RefusalError
from ci.rehearsal.github.bare import Bare
from ci.rehearsal.github.merging import Bench
from ci.rehearsal.github.people import Gate
from ci.rehearsal.github.rules import Rules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ci.rehearsal.github.people import Person
    from ci.rehearsal.memory import Memory

    Listener = Callable[[str, str | None, str | None], None]

DEFAULT = "main"
HEADS = "refs/heads/"
GREEN = frozenset({"success", "neutral", "skipped"})


class State:
    """One repository, named as owner/name.

    `on_push` hear of every branch that moved: its name, the commit before, the commit after (None: there was or is no
    branch). They are called at once and must be quick. `pushes` keeps the same, for who comes later, with what a
    listener raised: that stops no push, which has happened.
    """

    def __init__(self, memory: Memory, directory: Path, slug: str, people: tuple[Person, ...]) -> None:
        """Know what it knew before."""
        self.memory = memory
        self.slug = slug
        self.owner, _, self.name = slug.partition("/")
        self.bare = Bare(directory / f"{self.name}.git", branch=DEFAULT)
        self.bench = Bench(self.bare, directory / "merges")
        self.gate = Gate(people, memory)
        self.issues = memory.shelf("issues")  # pull requests too, by number
        self.pulls = memory.shelf("pulls")
        self.comments = memory.shelf("comments")
        self.reviews = memory.shelf("reviews")
        self.statuses = memory.shelf("statuses")  # by commit
        self.runs = memory.shelf("check runs")
        self.deployments = memory.shelf("deployments")
        self.dispatches = memory.shelf("dispatches")
        self.pushes = memory.shelf("pushes")
        self.labels = memory.shelf("labels")
        self.merges = memory.shelf("merges")  # in the background, by their uuid
        self.tries = memory.shelf("tries")  # whether a head merges into a base, and since when it is asked
        self._rules = memory.shelf("rules")
        self.on_push: list[Listener] = []
        self.lock = anyio.Lock()
        self.has_issues = True
        self.methods = {"merge": True, "squash": True, "rebase": True}
        self.mergeable_after = 0.2  # seconds from the question to the answer
        self.merged_after = 0.05  # seconds until a merge in the background is tried
        self.queued_for = 0.2  # seconds that a merge is in the queue
        self.index_after = 1.0  # seconds until the search knows of a change
        self._settled = False

    def protect(self, branch: str, *rules: Rules) -> None:
        """Hold a branch to these rules, and to no others from the same sources. None at all set it free."""
        sources = {each.source for each in rules} or {"protection", "ruleset"}
        for source in sources:
            self._rules.pop(f"{source} {branch}", None)
        for each in rules:
            self._rules[f"{each.source} {branch}"] = dataclasses.asdict(each)

    def rules(self, branch: str, *, source: str | None = None, person: Person | None = None) -> list[Rules]:
        """Return a branch's rules: from one source, or those that hold for a person."""
        found = []
        for each in ("protection", "ruleset"):
            document = self._rules.get(f"{each} {branch}")
            if document is not None and source in {None, each}:
                found.append(Rules(**{**document, "contexts": tuple(document["contexts"])}))
        if person is None:
            return found
        return [each for each in found if each.everybody or person.role != "admin"]

    def standing(self, sha: str, context: str) -> str | None:
        """Return how a commit stands in a context, in both systems: the worse one counts; None where it is in none."""
        marks = [each["state"] for each in self.statuses.get(sha, ()) if each["context"] == context][-1:]
        marks = ["failure" if mark == "error" else mark for mark in marks]
        runs = [each for each in self.runs.values() if (each["head_sha"], each["name"]) == (sha, context)]
        if runs:
            newest = runs[-1]
            done = newest["status"] == "completed"
            marks.append("pending" if not done else "success" if newest["conclusion"] in GREEN else "failure")
        return next((mark for mark in ("failure", "pending", "success") if mark in marks), None)

    async def against(self, person: Person, branch: str, before: str | None, after: str | None) -> list[str]:
        """Return what the rules of a branch have against moving it like this, without a pull request."""
        found = ["Cannot delete this branch"] if after is None and branch == DEFAULT else []
        for rules in self.rules(branch, person=person):
            found += [rules.told(reason) async for reason in self._reasons(rules, before, after)]
        return found

    async def _reasons(self, rules: Rules, before: str | None, after: str | None) -> Any:
        if before is None:
            return
        if after is None:
            if not rules.deletions:
                yield "Cannot delete this branch"
            return
        for reason in rules.against_push(lambda context: self.standing(after, context)):
            yield reason
        if not rules.force_pushes and not await self.bare.has(after, before):
            yield "Cannot force-push to this branch"
        if rules.linear and await self._merges_between(before, after):
            yield "This branch must not contain merge commits."

    async def _merges_between(self, before: str, after: str) -> bool:
        commits = [await self.bare.commit(sha) for sha in await self.bare.between(before, after)]
        return any(len(commit.parents) > 1 for commit in commits)

    async def point(self, branch: str, after: str | None, before: str | None, person: Person) -> None:
        """Move a branch whose rules were asked, and let all that follows from it happen. Raises RefusalError."""
        if not await self.bare.point(f"{HEADS}{branch}", after, before):
            raise RefusalError(409, f"Reference refs/heads/{branch} was changed meanwhile")
        await self.moved(branch, before, after, person)

    async def moved(self, branch: str, before: str | None, after: str | None, person: Person) -> None:
        """Let all that follows from a branch that moved happen: to pull requests, and to who listens."""
        entry = {"branch": branch, "before": before, "after": after, "pusher": person.login, "moment": now()}
        push = str(self.memory.number("push"))
        self.pushes[push] = entry
        for number, pull in self.open_pulls():
            if pull["head"] == branch:
                self._head_moved(number, pull, after)
            if branch in {pull["head"], pull["base"]}:
                await self._settle_pull(number, branch)
        for listener in list(self.on_push):
            try:
                listener(branch, before, after)
            except Exception as error:  # noqa: BLE001 - a listener's own affair
                self.pushes[push] = {**self.pushes[push], "unheard": f"{type(error).__name__}: {error}"}

    def open_pulls(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the pull requests that wait, by number."""
        for number, pull in list(self.pulls.items()):
            if self.issues[number]["state"] == "open":
                yield number, pull

    def close(self, number: str, *, reason: str | None = None) -> None:
        """Close an issue or a pull request."""
        issue = self.issues[number]
        self.issues[number] = {
            **issue,
            "state": "closed",
            "state_reason": reason,
            "closed_at": now(),
            "updated_at": now(),
        }

    def merged(self, number: str, sha: str, person: Person) -> None:
        """Write down that a pull request became part of its base."""
        words = {"merged_at": now(), "merged_by": person.login, "merge_sha": sha, "merging": None}
        self.pulls[number] = {**self.pulls[number], **words}
        self.close(number)

    async def reopen(self, number: str) -> str | None:
        """Have a pull request stand where its branches stand now; return what is against it."""
        pull = self.pulls[number]
        head, base = self.bare.head(pull["head"]), self.bare.head(pull["base"])
        if head is None or base is None:
            return f"The {pull['head'] if head is None else pull['base']} branch has been deleted."
        if not await self.bare.has(head, pull["head_sha"]):
            return f"The {pull['head']} branch was force-pushed or recreated."
        if await self.bare.has(base, head):
            return f"There are no new commits between base branch '{pull['base']}' and head branch '{pull['head']}'"
        if any((each["head"], each["base"]) == (pull["head"], pull["base"]) for _, each in self.open_pulls()):
            return f"A pull request already exists for {self.owner}:{pull['head']}."
        if head != pull["head_sha"]:
            self._head_moved(number, pull, head)
        self.pulls[number] = {**self.pulls[number], "base_sha": base}
        return None

    def _head_moved(self, number: str, pull: dict[str, Any], after: str | None) -> None:
        if after is None:
            self.close(number)
            return
        self.pulls[number] = {**pull, "head_sha": after}
        self.touch(number)
        if any(rules.dismiss_stale for rules in self.rules(pull["base"])):
            for key, review in self.reviews.items():
                if review["number"] == int(number) and review["state"] == "APPROVED":
                    self.reviews[key] = {**review, "state": "DISMISSED"}

    async def _settle_pull(self, number: str, branch: str) -> None:
        """A pull request whose head is in its base was merged, in whatever way; one without a base is closed."""
        pull = self.pulls[number]
        if self.issues[number]["state"] != "open":
            return
        base = self.bare.head(pull["base"])
        if base is None:
            self.close(number)
        elif branch == pull["base"] and await self.bare.has(base, pull["head_sha"]):
            self.merged(number, base, self.gate.known(self.issues[number]["author"]) or self.gate.people[0])
        else:
            self.pulls[number] = {**pull, "base_sha": base}

    async def settle(self) -> None:
        """Finish, once, what a kill left half done: a merge that moved its base and was not written down."""
        if self._settled:
            return
        self._settled = True
        for number, pull in self.open_pulls():
            made = pull.get("merging")
            base = self.bare.head(pull["base"])
            if made and base is not None and await self.bare.kind(made) and await self.bare.has(base, made):
                self.merged(number, made, self.gate.people[0])

    def touch(self, number: str) -> None:
        """Write down that something changed about an issue."""
        self.issues[number] = {**self.issues[number], "updated_at": now()}


def now() -> str:
    """Return the time as GitHub writes it."""
    return at(time.time())


def at(moment: float) -> str:
    """Return a time, in seconds of the epoch, as GitHub writes it."""
    return datetime.datetime.fromtimestamp(moment, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
