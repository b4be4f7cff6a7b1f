"""What git has, as GitHub writes it: references, commits, files, branches, the ends of pull requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ci.rehearsal.github.accounts import Accounts, node
from ci.rehearsal.github.state import HEADS, at

if TYPE_CHECKING:
    from ci.rehearsal.github.records import Change, CommitText, Signed
    from ci.rehearsal.github.rules import Rules


class Shapes(Accounts):
    """Bodies for one server."""

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

    def branch(self, name: str, commit: CommitText, classic: Rules | None, *, protected: bool) -> dict[str, Any]:
        """Return a branch; those who may read it see its protection's required contexts."""
        here = f"{self.repo}/branches/{_quoted(name)}"
        contexts = classic.contexts if classic else ()
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
            "protection": {"enabled": classic is not None, "required_status_checks": checks},
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
