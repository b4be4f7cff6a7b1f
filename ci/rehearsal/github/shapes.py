"""The bodies of GitHub's answers, with all the addresses that it puts into them: accounts, the repository, git."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ci.rehearsal.github.state import DEFAULT, HEADS, at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ci.rehearsal.github.bare import Change, CommitText, Signed
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


class Shapes:
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

    def reference(self, name: str, sha: str, kind: str = "commit") -> dict[str, Any]:
        """Return a reference."""
        target = {"sha": sha, "type": kind, "url": f"{self.repo}/git/{kind}s/{sha}"}
        return {"ref": name, "node_id": node("Ref", name), "url": f"{self.repo}/git/{name}", "object": target}

    def git_commit(self, commit: CommitText) -> dict[str, Any]:
        """Return a commit as git has it."""
        sha = commit.sha
        return {
            "sha": sha,
            "node_id": node("Commit", sha),
            "url": f"{self.repo}/git/commits/{sha}",
            "html_url": f"{self.page}/commit/{sha}",
            "author": _person(commit.author),
            "committer": _person(commit.committer),
            "message": commit.message,
            "tree": self._tree(commit.tree),
            "parents": [self._parent(parent, "git/commits") for parent in commit.parents],
            "verification": _unsigned(),
        }

    def commit(self, commit: CommitText) -> dict[str, Any]:
        """Return a commit with the accounts that belong to it."""
        sha = commit.sha
        here = f"{self.repo}/commits/{sha}"
        text = {
            "author": _person(commit.author),
            "committer": _person(commit.committer),
            "message": commit.message,
            "tree": self._tree(commit.tree),
            "url": f"{self.repo}/git/commits/{sha}",
            "comment_count": 0,
            "verification": _unsigned(),
        }
        return {
            "sha": sha,
            "node_id": node("Commit", sha),
            "commit": text,
            "url": here,
            "html_url": f"{self.page}/commit/{sha}",
            "comments_url": f"{here}/comments",
            "author": self._account_of(commit.author),
            "committer": self._account_of(commit.committer),
            "parents": [self._parent(parent, "commits") for parent in commit.parents],
        }

    def change(self, change: Change, sha: str) -> dict[str, Any]:
        """Return a file that differs."""
        name = change.name
        found = {
            "sha": change.blob,
            "filename": name,
            "status": change.status,
            "additions": change.additions,
            "deletions": change.deletions,
            "changes": change.additions + change.deletions,
            "blob_url": f"{self.page}/blob/{sha}/{_quoted(name)}",
            "raw_url": f"{self.page}/raw/{sha}/{_quoted(name)}",
            "contents_url": f"{self.repo}/contents/{_quoted(name)}?ref={sha}",
        }
        return found if change.before is None else {**found, "previous_filename": change.before}

    def content(self, path: str, sha: str, size: int, kind: str, ref: str) -> dict[str, Any]:
        """Return what all entries of a directory have."""
        here = f"{self.repo}/contents/{_quoted(path)}?ref={_quoted(ref)}"
        git = f"{self.repo}/git/{'trees' if kind == 'dir' else 'blobs'}/{sha}"
        page = f"{self.page}/blob/{_quoted(ref)}/{_quoted(path)}"
        return {
            "type": kind,
            "name": path.rpartition("/")[2],
            "path": path,
            "sha": sha,
            "size": size,
            "url": here,
            "git_url": git,
            "html_url": page,
            "download_url": None if kind == "dir" else f"{self.page}/raw/{_quoted(ref)}/{_quoted(path)}",
            "_links": {"self": here, "git": git, "html": page},
        }

    def branch(self, name: str, commit: CommitText, contexts: Sequence[str], *, protected: bool) -> dict[str, Any]:
        """Return a branch; those who may read it see its required contexts."""
        here = f"{self.repo}/branches/{_quoted(name)}"
        checks = {
            "enforcement_level": "everyone" if contexts else "off",
            "contexts": list(contexts),
            "checks": [{"context": context, "app_id": None} for context in contexts],
        }
        return {
            "name": name,
            "commit": self.commit(commit),
            "_links": {"self": here, "html": f"{self.page}/tree/{_quoted(name)}"},
            "protected": protected,
            "protection": {"enabled": protected, "required_status_checks": checks},
            "protection_url": f"{here}/protection",
        }

    def head(self, branch: str, sha: str, login: str) -> dict[str, Any]:
        """Return one end of a pull request."""
        label = f"{self.state.owner}:{branch.removeprefix(HEADS)}"
        return {"label": label, "ref": branch, "sha": sha, "user": self.account(login), "repo": self.repository()}

    def _account_of(self, signed: Signed) -> dict[str, Any] | None:
        person = next((each for each in self.state.gate.people if each.email == signed.email), None)
        return self.account(person.login) if person else None

    def _tree(self, sha: str) -> dict[str, str]:
        return {"sha": sha, "url": f"{self.repo}/git/trees/{sha}"}

    def _parent(self, sha: str, where: str) -> dict[str, str]:
        return {"sha": sha, "url": f"{self.repo}/{where}/{sha}", "html_url": f"{self.page}/commit/{sha}"}


def _person(signed: Signed) -> dict[str, str]:
    return {"name": signed.name, "email": signed.email, "date": at(signed.moment)}


def _unsigned() -> dict[str, Any]:
    nothing = {"signature": None, "payload": None, "verified_at": None}
    return {"verified": False, "reason": "unsigned", **nothing}


def _quoted(path: str) -> str:
    return quote(path, safe="/")
