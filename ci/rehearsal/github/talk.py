"""The bodies of answers about people's work: issues, pull requests, reviews, comments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ci.rehearsal.github.accounts import node
from ci.rehearsal.github.people import role_of

if TYPE_CHECKING:
    from ci.rehearsal.github.asked import Asked


class Talk:
    """Bodies for one request."""

    def __init__(self, asked: Asked) -> None:
        """Take what is known and where it is asked for."""
        self.state = asked.state
        self.shapes = asked.shapes
        self.repo = self.shapes.repo
        self.page = self.shapes.page

    def label(self, name: str) -> dict[str, Any]:
        """Return a label."""
        found = self.state.labels.get(name, {"id": 0, "color": "ededed"})
        here = f"{self.repo}/labels/{name}"
        more = {"description": "", "default": False}
        return {"id": found["id"], "node_id": node("Label", name), "url": here, "name": name, **found, **more}

    def issue(self, number: str) -> dict[str, Any]:
        """Return an issue, or a pull request as one."""
        issue = self.state.issues[number]
        found = self._both(number, issue)
        here, kind = f"{self.repo}/issues/{number}", "pull" if issue["is_pull"] else "issues"
        found |= {
            "url": here,
            "html_url": f"{self.page}/{kind}/{number}",
            "repository_url": self.repo,
            "labels_url": f"{here}/labels{{/name}}",
            "comments_url": f"{here}/comments",
            "events_url": f"{here}/events",
            "timeline_url": f"{here}/timeline",
            "state_reason": issue["state_reason"],
            "comments": self._comments(number),
            "closed_by": None,
            "assignees": [],
            "performed_via_github_app": None,
        }
        if issue["is_pull"]:
            places = {
                "url": f"{self.repo}/pulls/{number}",
                **{f"{name}_url": f"{self.page}/pull/{number}{end}" for name, end in PAGES.items()},
                "merged_at": self.state.pulls[number]["merged_at"],
            }
            found |= {"pull_request": places, "draft": self.state.pulls[number]["draft"]}
        return found

    def comment(self, key: str) -> dict[str, Any]:
        """Return a comment."""
        comment = self.state.comments[key]
        issue = comment["number"]
        return {
            "id": int(key),
            "node_id": node("IssueComment", key),
            "url": f"{self.repo}/issues/comments/{key}",
            "html_url": f"{self.page}/issues/{issue}#issuecomment-{key}",
            "issue_url": f"{self.repo}/issues/{issue}",
            "user": self.shapes.account(comment["author"]),
            "body": comment["body"],
            "created_at": comment["created_at"],
            "updated_at": comment.get("updated_at", comment["created_at"]),
            "author_association": self._association(comment["author"]),
            "performed_via_github_app": None,
        }

    def review(self, key: str) -> dict[str, Any]:
        """Return a review."""
        review = self.state.reviews[key]
        page = f"{self.page}/pull/{review['number']}#pullrequestreview-{key}"
        place = f"{self.repo}/pulls/{review['number']}"
        return {
            "id": int(key),
            "node_id": node("PullRequestReview", key),
            "user": self.shapes.account(review["author"]),
            "body": review["body"],
            "state": review["state"],
            "html_url": page,
            "pull_request_url": place,
            "_links": {"html": {"href": page}, "pull_request": {"href": place}},
            "submitted_at": review["submitted_at"],
            "commit_id": review["commit"],
            "author_association": self._association(review["author"]),
        }

    def pull_in_a_list(self, number: str) -> dict[str, Any]:
        """Return a pull request without what GitHub computes."""
        issue, pull = self.state.issues[number], self.state.pulls[number]
        here = f"{self.repo}/pulls/{number}"
        statuses = f"{self.repo}/statuses/{pull['head_sha']}"
        places = {
            "self": here,
            "html": f"{self.page}/pull/{number}",
            "issue": f"{self.repo}/issues/{number}",
            "comments": f"{self.repo}/issues/{number}/comments",
            "review_comments": f"{here}/comments",
            "review_comment": f"{self.repo}/pulls/comments{{/number}}",
            "commits": f"{here}/commits",
            "statuses": statuses,
        }
        named = {f"{name}_url": place for name, place in places.items() if name not in {"self", "html"}}
        found = self._both(number, issue)
        found |= {
            "url": here,
            **named,
            **{f"{name}_url": f"{self.page}/pull/{number}{end}" for name, end in PAGES.items()},
            "draft": pull["draft"],
            "merged_at": pull["merged_at"],
            "merge_commit_sha": pull["merge_sha"],
            "assignees": [],
            "requested_reviewers": [self.shapes.account(login) for login in pull["reviewers"]],
            "requested_teams": [],
            "head": self.shapes.head(pull["head"], pull["head_sha"], self.state.owner),
            "base": self.shapes.head(pull["base"], pull["base_sha"], self.state.owner),
            "_links": {name: {"href": place} for name, place in places.items()},
            "auto_merge": None,
        }
        return found

    async def pull(self, number: str, mergeable: bool | None, mergeable_state: str) -> dict[str, Any]:  # noqa: FBT001 - what GitHub found out
        """Return a pull request whole."""
        pull = self.state.pulls[number]
        commits = await self.state.bare.between(pull["base_sha"], pull["head_sha"])
        common = await self.state.bare.merge_base(pull["base_sha"], pull["head_sha"])
        files = await self.state.bare.changes(common or pull["base_sha"], pull["head_sha"])
        merged = pull["merged_at"] is not None
        return {
            **self.pull_in_a_list(number),
            "merged": merged,
            "mergeable": mergeable,
            "rebaseable": mergeable,
            "mergeable_state": mergeable_state,
            "merged_by": self.shapes.account(pull["merged_by"]) if merged else None,
            "comments": self._comments(number),
            "review_comments": 0,
            "maintainer_can_modify": False,
            "commits": len(commits),
            "additions": sum(change.additions for change in files),
            "deletions": sum(change.deletions for change in files),
            "changed_files": len(files),
        }

    def _both(self, number: str, issue: dict[str, Any]) -> dict[str, Any]:
        """What an issue and a pull request have in common."""
        return {
            "id": 1000 + int(number),
            "node_id": node("PullRequest" if issue["is_pull"] else "Issue", number),
            "number": int(number),
            "title": issue["title"],
            "body": issue["body"],
            "state": issue["state"],
            "user": self.shapes.account(issue["author"]),
            "labels": [self.label(name) for name in issue["labels"]],
            "assignee": None,
            "milestone": None,
            "locked": False,
            "active_lock_reason": None,
            "author_association": self._association(issue["author"]),
            "created_at": issue["created_at"],
            "updated_at": issue["updated_at"],
            "closed_at": issue["closed_at"],
        }

    def _comments(self, number: str) -> int:
        return sum(comment["number"] == int(number) for comment in self.state.comments.values())

    def _association(self, login: str) -> str:
        person = self.state.gate.known(login)
        return "NONE" if person is None else role_of(person, self.state.owner)


PAGES = {"html": "", "diff": ".diff", "patch": ".patch"}
