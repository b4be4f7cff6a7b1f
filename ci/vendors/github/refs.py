"""Branches, what their rules demand, and git references, which only move where they are expected to stand."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import pydantic

from ci.errors import Trouble, VendorError
from ci.vendors.github.area import Area, once, path_of, trouble
from ci.vendors.github.values import Branch, Demands, Protection, Reference, Rule

# Git has no such name yet, or the repository has no commit at all: https://docs.github.com/en/rest/git/refs.
NOT_THERE = (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)
UNPROTECTED = "Branch not protected"  # said to those alone who would see a protection


class Refs(Area):
    """Branches and other references. A branch is named without `refs/heads/`."""

    async def branch(self, name: str) -> Branch | None:
        """Return a branch. Raises VendorError."""
        return await self.find(f"/branches/{path_of(name)}", Branch, what="a branch")

    async def protection(self, name: str) -> Protection | None:
        """Return a branch's classic protection; None where it has none, or the token may not administer.

        Rulesets are apart from it: `rules`. Raises VendorError.
        """
        return (await self._protection(name))[0]

    async def _protection(self, name: str) -> tuple[Protection | None, bool]:
        """Return the protection, and whether there may be one that the token may not see."""
        path = f"/branches/{path_of(name)}/protection"
        try:
            return await self.find(path, Protection, what="a protection", absent=()), False
        except VendorError as error:
            if error.status not in {HTTPStatus.NOT_FOUND, HTTPStatus.FORBIDDEN}:
                raise
            return None, UNPROTECTED not in error.message

    async def rules(self, name: str) -> tuple[Rule, ...]:
        """Return the rules that rulesets have for a branch, which all who may read it can see. Raises VendorError."""
        return await self.every(f"/rules/branches/{path_of(name)}", Rule, what="the rules of a branch")

    async def demands(self, name: str) -> Demands | None:
        """Return what the protection and the rulesets of a branch demand together. Raises VendorError."""
        branch = await self.branch(name)
        if branch is None:
            return None
        rules = await self.rules(name)
        protection, hidden = await self._protection(name) if branch.protected else (None, False)
        return _together(branch, protection, rules, hidden=hidden and branch.classic is not False)

    async def sha(self, name: str) -> str | None:
        """Return the commit that a branch stands at. Raises VendorError."""
        found = await self.find(f"/git/ref/heads/{path_of(name)}", Reference, what="a reference", absent=NOT_THERE)
        return found.sha if found is not None else None

    async def beginning(self, prefix: str) -> tuple[Reference, ...]:
        """Return the branches whose names begin like this. Raises VendorError."""
        try:
            path = f"/git/matching-refs/heads/{path_of(prefix.rstrip('/'))}{'/' if prefix.endswith('/') else ''}"
            # It has no pages: all of them come at once.
            answer = await self.ask("GET", path)
        except VendorError as error:
            if error.status == HTTPStatus.CONFLICT:
                return ()
            raise
        return self.exchange.read(answer, tuple[Reference, ...], what="references")

    async def create(self, name: str, sha: str) -> str:
        """Make a branch at a commit, or find it there, and return the commit.

        Raises VendorError, also where the branch stands elsewhere: it is not moved.
        """

        async def write() -> str:
            body = {"ref": f"refs/heads/{name}", "sha": sha}
            answer = await self.ask("POST", "/git/refs", body=body, accept=(HTTPStatus.CREATED,))
            return self.exchange.read(answer, Reference, what="a reference").sha

        found = await once(lambda: self.sha(name), write)
        if found != sha:
            raise trouble(
                Trouble.REFUSING, f"the branch {name} is there already, at {found[:12]} and not at {sha[:12]}"
            )
        return found

    async def move(self, name: str, sha: str) -> str:
        """Move a branch forward to a commit, and return it. To move it again is harmless.

        GitHub refuses what is no fast-forward, and what the branch's rules forbid. Raises VendorError.
        """
        answer = await self.ask(
            "PATCH", f"/git/refs/heads/{path_of(name)}", body={"sha": sha, "force": False}, repeatable=True
        )
        return self.exchange.read(answer, Reference, what="a reference").sha

    async def delete(self, name: str) -> None:
        """Delete a branch; one that is gone is well. Raises VendorError."""
        try:
            await self.ask("DELETE", f"/git/refs/heads/{path_of(name)}", accept=(HTTPStatus.NO_CONTENT,))
        except VendorError as error:
            # 422 is for one that is not there, and for one that must not go.
            if error.trouble is not Trouble.REFUSING or await self.sha(name) is not None:
                raise


def _together(branch: Branch, protection: Protection | None, rules: tuple[Rule, ...], *, hidden: bool) -> Demands:
    contexts = [*branch.contexts, *(protection.contexts if protection else ())]
    approvals = [protection.reviewing.approvals] if protection and protection.reviewing else []
    strict = protection is not None and protection.strict
    for rule in rules:
        if rule.type == "required_status_checks":
            checks = _listed(rule.parameters.get("required_status_checks"))
            contexts += [str(check["context"]) for check in checks if "context" in check]
            strict = strict or rule.parameters.get("strict_required_status_checks_policy") is True
        elif rule.type == "pull_request":
            count = rule.parameters.get("required_approving_review_count")
            approvals.append(count if isinstance(count, int) else 0)
    kinds = {rule.type for rule in rules}
    return Demands(
        contexts=tuple(dict.fromkeys(contexts)),
        approvals=max(approvals, default=None),
        strict=strict,
        linear="required_linear_history" in kinds or (protection is not None and protection.linear),
        queued="merge_queue" in kinds,
        hidden=hidden,
    )


def _listed(value: Any) -> list[dict[str, Any]]:
    try:
        return pydantic.TypeAdapter(list[dict[str, Any]]).validate_python(value)
    except pydantic.ValidationError:
        return []
