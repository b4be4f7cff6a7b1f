"""Accounts and the repository as GitHub writes them, with all the addresses that it puts into them."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from ci.rehearsal.github.state import DEFAULT

if TYPE_CHECKING:
    from ci.rehearsal.github.people import Person
    from ci.rehearsal.github.state import State

BEGINNING = "2026-01-01T00:00:00Z"
REPOSITORY_ID = 7
ACCOUNT_PLACES = ("followers", "subscriptions", "repos", "received_events")
REPOSITORY_PLACES = (
    *("contributors", "deployments", "downloads", "events", "forks", "hooks", "languages", "merges", "stargazers"),
    *("subscribers", "subscription", "tags", "teams"),
)
REPOSITORY_PATTERNS = {
    "archive": "{archive_format}{/ref}",
    "assignees": "{/user}",
    "blobs": "/git/blobs{/sha}",
    "branches": "{/branch}",
    "collaborators": "{/collaborator}",
    "comments": "{/number}",
    "commits": "{/sha}",
    "compare": "/{base}...{head}",
    "contents": "/{+path}",
    "git_commits": "/git/commits{/sha}",
    "git_refs": "/git/refs{/sha}",
    "git_tags": "/git/tags{/sha}",
    "issue_comment": "/issues/comments{/number}",
    "issue_events": "/issues/events{/number}",
    "issues": "{/number}",
    "keys": "{/key_id}",
    "labels": "{/name}",
    "milestones": "{/number}",
    "notifications": "{?since,all,participating}",
    "pulls": "{/number}",
    "releases": "{/id}",
    "statuses": "{/sha}",
    "trees": "/git/trees{/sha}",
}


def node(kind: str, key: object) -> str:
    """Return GitHub's other id of a thing."""
    return base64.b64encode(f"{kind}:{key}".encode()).decode()


class Accounts:
    """Bodies for one server at `base`."""

    def __init__(self, state: State, base: str) -> None:
        """Take what is known and where it is asked for."""
        self.state = state
        self.base = base
        self.repo = f"{base}/repos/{state.slug}"
        self.page = f"{base}/{state.slug}"

    def account(self, login: str) -> dict[str, Any]:
        """Return an account; one that only owns has no person."""
        person = self.state.gate.known(login)
        here = f"{self.base}/users/{login.replace('[', '%5B').replace(']', '%5D')}"
        kind = "Organization" if person is None else "Bot" if person.app else "User"
        return {
            "login": login,
            "id": person.id if person else 100,
            "node_id": node("User", login),
            "avatar_url": f"{here}/avatar",
            "gravatar_id": "",
            "url": here,
            "html_url": here,
            "following_url": f"{here}/following{{/other_user}}",
            "gists_url": f"{here}/gists{{/gist_id}}",
            "starred_url": f"{here}/starred{{/owner}}{{/repo}}",
            "events_url": f"{here}/events{{/privacy}}",
            **{f"{place}_url": f"{here}/{place}" for place in ACCOUNT_PLACES},
            "organizations_url": f"{here}/orgs",
            "type": kind,
            "site_admin": False,
        }

    def private_account(self, person: Person) -> dict[str, Any]:
        """Return the account of who asks."""
        numbers = "public_repos public_gists followers following private_gists total_private_repos owned_private_repos"
        return {
            **self.account(person.login),
            "user_view_type": "private",
            **dict.fromkeys(("name", "company", "blog", "location", "email", "hireable", "bio"), None),
            **dict.fromkeys((*numbers.split(), "disk_usage", "collaborators"), 0),
            "two_factor_authentication": True,
            "created_at": BEGINNING,
            "updated_at": BEGINNING,
        }

    def repository(self, person: Person | None = None) -> dict[str, Any]:
        """Return the repository; for a person with what they may do."""
        state = self.state
        waiting = sum(issue["state"] == "open" for issue in state.issues.values())
        patterns = {
            f"{name}_url": f"{self.repo}{pattern}" if pattern[:2] in {"/g", "/i"} else f"{self.repo}/{name}{pattern}"
            for name, pattern in REPOSITORY_PATTERNS.items()
        }
        found: dict[str, Any] = {
            "id": REPOSITORY_ID,
            "node_id": node("Repository", REPOSITORY_ID),
            "name": state.name,
            "full_name": state.slug,
            "owner": self.account(state.owner),
            "private": True,
            "visibility": "private",
            "html_url": self.page,
            "description": None,
            "fork": False,
            "url": self.repo,
            **patterns,
            **{f"{place}_url": f"{self.repo}/{place}" for place in REPOSITORY_PLACES},
            "git_url": f"git:{self.page.partition(':')[2]}.git",
            "ssh_url": f"git@{self.page.partition('//')[2]}.git",
            "clone_url": f"{self.page}.git",
            "svn_url": self.page,
            "mirror_url": None,
            "homepage": None,
            "language": None,
            "license": None,
            "topics": [],
            "default_branch": DEFAULT,
            "has_issues": state.has_issues,
            **dict.fromkeys(("has_projects", "has_wiki", "has_pages", "has_discussions", "has_downloads"), False),
            **dict.fromkeys(("archived", "disabled", "is_template", "web_commit_signoff_required"), False),
            **dict.fromkeys(("forks", "watchers", "stargazers_count", "watchers_count", "forks_count", "size"), 0),
            **dict.fromkeys(("subscribers_count", "network_count"), 0),
            "open_issues": waiting,
            "open_issues_count": waiting,
            **dict.fromkeys(("pushed_at", "created_at", "updated_at"), BEGINNING),
        }
        if person is not None:
            write, admin = person.may_write, person.role == "admin"
            found["permissions"] = {"pull": True, "triage": write, "push": write, "maintain": admin, "admin": admin}
        if person is not None and person.may_write:
            methods = state.methods
            found["allow_merge_commit"], found["allow_squash_merge"] = methods["merge"], methods["squash"]
            found["allow_rebase_merge"] = methods["rebase"]
        return found
