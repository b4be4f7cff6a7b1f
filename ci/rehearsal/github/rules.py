"""What a branch demands of those who want to change it, by a classic protection or by a ruleset."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PROTECTION, RULESET = "protection", "ruleset"


@dataclass(frozen=True, kw_only=True)
class Rules:
    """The rules of a branch from one source. `approvals` None: no pull request is needed.

    `everybody`: administrators are held to them, too. `queued`: a ruleset wants merges to go through the queue.
    """

    source: str = PROTECTION
    approvals: int | None = None
    contexts: tuple[str, ...] = ()
    strict: bool = False
    dismiss_stale: bool = False
    linear: bool = False
    queued: bool = False
    force_pushes: bool = False
    deletions: bool = False
    everybody: bool = True

    def told(self, reason: str) -> str:
        """Return a reason as the source tells it."""
        return reason if self.source == PROTECTION else f"Repository rule violations found\n\n{reason}\n\n"

    def against_push(self, standing: Callable[[str], str | None]) -> Iterator[str]:
        """Yield what is against moving the branch to a commit whose contexts stand so, whatever the commit is."""
        if self.approvals is not None:
            yield "Changes must be made through a pull request."
        yield from self.against_checks(standing)

    def against_checks(self, standing: Callable[[str], str | None]) -> Iterator[str]:
        """Yield what the required contexts of a commit have against it: one line, as GitHub says it."""
        found = {context: standing(context) for context in self.contexts}
        lacking = {context: mark for context, mark in found.items() if mark != "success"}
        if not lacking:
            return
        if len(lacking) > 1:
            word = "failing" if set(lacking.values()) == {"failure"} else "expected"
            yield f"{len(lacking)} of {len(found)} required status checks are {word}."
            return
        (context, mark) = next(iter(lacking.items()))
        yield f'Required status check "{context}" is {WORDS[mark]}.'

    def written(self, place: str) -> dict[str, Any]:
        """As the address of the protection has it."""
        found: dict[str, Any] = {
            "url": place,
            "enforce_admins": {"url": f"{place}/enforce_admins", "enabled": self.everybody},
            "required_linear_history": {"enabled": self.linear},
            "allow_force_pushes": {"enabled": self.force_pushes},
            "allow_deletions": {"enabled": self.deletions},
            "block_creations": {"enabled": False},
            "required_conversation_resolution": {"enabled": False},
            "lock_branch": {"enabled": False},
            "allow_fork_syncing": {"enabled": False},
        }
        if self.contexts:
            found["required_status_checks"] = {
                "url": f"{place}/required_status_checks",
                "strict": self.strict,
                "contexts": list(self.contexts),
                "contexts_url": f"{place}/required_status_checks/contexts",
                "checks": [{"context": context, "app_id": None} for context in self.contexts],
            }
        if self.approvals is not None:
            found["required_pull_request_reviews"] = {
                "url": f"{place}/required_pull_request_reviews",
                "dismiss_stale_reviews": self.dismiss_stale,
                "require_code_owner_reviews": False,
                "require_last_push_approval": False,
                "required_approving_review_count": self.approvals,
            }
        return found

    def listed(self, slug: str) -> list[dict[str, Any]]:
        """As the address of the rules of a branch has them."""
        found: list[dict[str, Any]] = []
        if self.approvals is not None:
            parameters: dict[str, Any] = {
                "required_approving_review_count": self.approvals,
                "dismiss_stale_reviews_on_push": self.dismiss_stale,
                "require_code_owner_review": False,
                "require_last_push_approval": False,
                "required_review_thread_resolution": False,
            }
            found.append({"type": "pull_request", "parameters": parameters})
        if self.queued:
            found.append({"type": "merge_queue", "parameters": QUEUE})
        if self.contexts:
            checks = [{"context": context} for context in self.contexts]
            parameters = {"required_status_checks": checks, "strict_required_status_checks_policy": self.strict}
            found.append({"type": "required_status_checks", "parameters": parameters})
        kinds = {"non_fast_forward": not self.force_pushes, "deletion": not self.deletions}
        kinds["required_linear_history"] = self.linear
        found += [{"type": kind} for kind, wanted in kinds.items() if wanted]
        source = {"ruleset_source_type": "Repository", "ruleset_source": slug, "ruleset_id": 42}
        return [{**rule, **source} for rule in found]


QUEUE = {
    "check_response_timeout_minutes": 60,
    "grouping_strategy": "ALLGREEN",
    "max_entries_to_build": 5,
    "max_entries_to_merge": 5,
    "merge_method": "MERGE",
    "min_entries_to_merge": 1,
    "min_entries_to_merge_wait_minutes": 5,
}
WORDS = {None: "expected", "pending": "in progress", "failure": "failing"}
