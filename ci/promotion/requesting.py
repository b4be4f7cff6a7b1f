"""Steps 3 and 12: the pull request into the environment's branch: made, looked at again, merged as it was tested."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from ci.errors import Trouble, VendorError
from ci.promotion.flow import BlockedError
from ci.promotion.news import notes_of
from ci.reporting.notes import to_markdown
from ci.vendors.github.talk import Mark

if TYPE_CHECKING:
    from ci.promotion.flow import Doing, Facts
    from ci.promotion.promoting import Promotion
    from ci.vendors.github.talk import Pull

# GitHub calls a merge of these states one that its rules do not let through.
BARRED = frozenset({"blocked", "behind", "dirty", "draft"})


async def request(promotion: Promotion, doing: Doing) -> Facts:
    """Cut the branch, find or open its pull request, and see whether that merges. Raises BlockedError."""
    github, branch = promotion.github, promotion.own.branch
    base = await github.refs.sha(branch)
    if base is None:
        raise BlockedError(
            f"there is no branch {branch}", hint=f"git push origin {promotion.name}:refs/heads/{branch}, once"
        )
    await _cut(promotion)
    pull = await github.pulls.ensure(
        head=promotion.head,
        base=branch,
        title=f"Promote {promotion.name} to {promotion.environment}",
        body=_body(promotion, doing),
        sha=promotion.commit,
    )
    pull = await _mergeable(promotion, pull.number)
    return {"number": pull.number, "url": pull.url, "base": base}


async def look_again(promotion: Promotion, doing: Doing) -> Facts:
    """See that the pull request still stands and that what it would merge is what was tested. Raises BlockedError."""
    known = doing.facts["pull request"]
    pull = await _mergeable(promotion, known["number"])
    base = await promotion.github.refs.sha(promotion.own.branch)
    if base != known["base"]:
        raise BlockedError(
            f"{promotion.own.branch} moved from {known['base'][:12]} to {(base or 'nothing')[:12]} in the meantime",
            hint="what was tested is not what would be merged: promote again",
        )
    if pull.merge_sha is not None:
        tried = await promotion.github.commits.get(pull.merge_sha)
        await _same_tree(promotion, tried.tree if tried else None)
    return {}


async def merge(promotion: Promotion, doing: Doing) -> dict[str, Any]:
    """Merge the pull request. Raises VendorError where GitHub does not, BlockedError where another tree arrives."""
    number = doing.facts["pull request"]["number"]
    demands = await promotion.github.refs.demands(promotion.own.branch)
    if demands is not None and promotion.status in demands.contexts:  # the branch waits for our own word
        await promotion.github.checks.set(promotion.commit, promotion.status, "success", description="all gates passed")
    merged = await promotion.github.pulls.merge(number, sha=promotion.commit)
    found = await promotion.github.commits.get(merged.sha)
    await _same_tree(promotion, found.tree if found else None)
    return {"merge": merged.sha}


def is_refusal(error: VendorError) -> bool:
    """Whether GitHub said that it will not merge, and not that it cannot be reached."""
    return error.trouble is Trouble.REFUSING or error.status in {HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.CONFLICT}


def _body(promotion: Promotion, doing: Doing) -> str:
    """Say what it is, and what is new in it, for whoever has to approve."""
    said = f"Made by Shipway. It is merged when all gates of {promotion.environment} have passed."
    notes = notes_of(doing.facts)
    return said if notes is None else f"{said}\n\n### What is new\n\n{to_markdown(notes)}"


async def _cut(promotion: Promotion) -> None:
    """Have the branch at the candidate. Raises BlockedError where it stands elsewhere: somebody else has it."""
    try:
        await promotion.github.refs.create(promotion.head, promotion.commit)
    except VendorError as error:
        if error.trouble is not Trouble.REFUSING:
            raise
        raise BlockedError(error.message, hint=f"delete the branch {promotion.head}, and promote again") from None


async def _mergeable(promotion: Promotion, number: int) -> Pull:
    pull = await promotion.github.pulls.computed(number)
    if pull is None:
        raise BlockedError(f"the pull request #{number} is gone")
    if pull.is_merged and pull.head_sha == promotion.commit:
        return pull
    if not pull.is_open:
        raise BlockedError(f"the pull request #{number} was closed", hint="open it again, and promote again")
    if pull.head_sha != promotion.commit:
        raise BlockedError(
            f"the branch {promotion.head} moved to {pull.head_sha[:12]}",
            hint="it is Shipway's own: delete it, and promote again",
        )
    if pull.mergeable is False:
        raise BlockedError(
            f"#{number} does not merge into {pull.base}: they conflict",
            hint=f"bring {pull.base} back to what {promotion.main} has, or merge {pull.base} into {promotion.main}",
        )
    if pull.mergeable is None:
        raise VendorError(f"GitHub does not say whether #{number} merges", trouble=Trouble.BROKEN)
    await _refuse_rules(promotion, pull)
    return pull


async def _refuse_rules(promotion: Promotion, pull: Pull) -> None:
    """Refuse where the branch's rules would not let a merge through, and Shipway cannot bring what they ask for."""
    demands = await promotion.github.refs.demands(pull.base)
    if demands is None:
        return
    if demands.linear:
        raise BlockedError(
            f"{pull.base} must have a linear history: it takes no merge commit", hint="lift that rule for it"
        )
    if demands.queued:
        raise BlockedError(
            f"{pull.base} has a merge queue, which merges something else than was tested", hint="lift that rule for it"
        )
    if wanted := [each for each in demands.contexts if each != promotion.status]:
        marks = dict((await promotion.github.checks.standing(promotion.commit)).marks)
        if lacking := [each for each in wanted if marks.get(each) is not Mark.SUCCESS]:
            raise BlockedError(
                f"{pull.base} is protected: it asks for {', '.join(lacking)}, which {promotion.name} has not passed",
                hint="wait for it and promote again, or lift the rule: Shipway's own gates stand before the merge",
            )
    if demands.approvals:
        given = await promotion.github.pulls.standing(pull.number, sha=promotion.commit)
        approving = sum(each.state == "APPROVED" for each in given.values())
        if approving < demands.approvals:
            raise BlockedError(
                f"{pull.base} is protected: #{pull.number} has {approving} of {demands.approvals} approving reviews",
                hint="have it approved and promote again, or lift the rule: Shipway's own gates stand before the merge",
            )


async def _same_tree(promotion: Promotion, tree: str | None) -> None:
    candidate = await promotion.github.commits.get(promotion.commit)
    if candidate is None or tree != candidate.tree:
        raise BlockedError(
            f"a merge into {promotion.own.branch} gives other files than {promotion.name} has",
            hint=f"{promotion.own.branch} holds what {promotion.main} has not: merge it into {promotion.main} first",
        )
