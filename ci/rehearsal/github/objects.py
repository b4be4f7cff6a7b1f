"""Blobs, trees, commits, and files by their path."""

from __future__ import annotations

import base64
import binascii
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse

from ci.rehearsal.github.accounts import node
from ci.rehearsal.github.answers import RefusalError, conflict, invalid, missing, unprocessable
from ci.rehearsal.github.asked import made
from ci.rehearsal.github.bare import fits

if TYPE_CHECKING:
    from starlette.responses import Response

    from ci.rehearsal.github.asked import Asked

LARGEST_INLINE = 1024 * 1024  # bytes of a file that comes with its content
LARGEST_BLOB = 100 * 1024 * 1024
KINDS = {"tree": "dir", "blob": "file", "commit": "submodule"}


async def make_blob(asked: Asked) -> Response:
    """Keep some bytes."""
    asked.may_write()
    await _not_empty(asked)
    content = asked.body.get("content")
    if not isinstance(content, str):
        raise invalid("Blob", "content", "missing_field")
    plain = content.encode() if asked.body.get("encoding", "utf-8") == "utf-8" else _bytes(content)
    sha = await asked.state.bare.keep(plain)
    return made({"sha": sha, "url": f"{asked.shapes.repo}/git/blobs/{sha}"})


async def blob(asked: Asked) -> Response:
    """Return some bytes."""
    sha = asked.words["sha"]
    if await asked.state.bare.kind(sha) != "blob":
        raise missing()
    content = await asked.state.bare.blob(sha)
    body = {
        "sha": sha,
        "node_id": node("Blob", sha),
        "size": len(content),
        "url": f"{asked.shapes.repo}/git/blobs/{sha}",
        "content": _coded(content),
        "encoding": "base64",
    }
    return JSONResponse(body)


async def make_tree(asked: Asked) -> Response:
    """Make a tree, out of another one or of nothing."""
    asked.may_write()
    bare = asked.state.bare
    await _not_empty(asked)
    entries = asked.body.get("tree")
    base = asked.body.get("base_tree")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise unprocessable("Invalid tree info")
    if base is not None and await bare.kind(f"{base}") not in {"tree", "commit"}:
        raise unprocessable("base_tree is not a valid tree oid")
    planted: list[tuple[str, str | None, str]] = []
    for entry in entries:
        sha = entry.get("sha")
        if "content" in entry:
            sha = await bare.keep(str(entry["content"]).encode())
        if sha is not None and await bare.kind(f"{sha}") is None:
            raise unprocessable(f"tree.sha {sha} is not a valid blob")
        planted.append((str(entry.get("mode", "100644")), sha, str(entry.get("path", ""))))
    found = await bare.plant(base, planted)
    if found is None:
        raise unprocessable("tree.path contains a malformed path component")
    return made(await _tree(asked, found, recursive=False))


async def tree(asked: Asked) -> Response:
    """Return a tree, by its own name, a commit's or a branch's."""
    name = asked.words["sha"]
    kind = await asked.state.bare.kind(name)
    if kind != "tree":
        commit = await asked.state.bare.commit_of(name)
        if commit is None:
            raise missing()
        name = (await asked.state.bare.commit(commit)).tree
    return JSONResponse(await _tree(asked, name, recursive="recursive" in asked.query))


async def _tree(asked: Asked, sha: str, *, recursive: bool) -> dict[str, Any]:
    here = f"{asked.shapes.repo}/git"
    listed = []
    for mode, kind, each, size, path in await asked.state.bare.listing(sha, recursive=recursive):
        entry: dict[str, Any] = {"path": path, "mode": mode, "type": kind, "sha": each}
        if kind != "commit":
            entry["url"] = f"{here}/{kind}s/{each}"
        listed.append(entry | ({"size": int(size)} if size != "-" else {}))
    return {"sha": sha, "url": f"{here}/trees/{sha}", "tree": listed, "truncated": False}


async def make_commit(asked: Asked) -> Response:
    """Make a commit that no branch has."""
    asked.may_write()
    bare = asked.state.bare
    await _not_empty(asked)
    message, planted = asked.text("message", resource="Commit"), asked.text("tree", resource="Commit")
    parents = asked.body.get("parents") or []
    if await bare.kind(planted) != "tree":
        raise unprocessable("Tree SHA does not exist")
    for parent in parents:
        if await bare.kind(f"{parent}") != "commit":
            raise unprocessable(f"Parent SHA does not exist or is not a commit object: {parent}")
    author = asked.who(asked.body.get("author"))
    committer = asked.who(asked.body.get("committer") or author)
    sha = await bare.record(message, planted, [str(parent) for parent in parents], author, committer)
    return made(asked.shapes.git_commit(await bare.commit(sha)))


async def git_commit(asked: Asked) -> Response:
    """Return a commit as git has it."""
    sha = asked.words["sha"]
    if await asked.state.bare.kind(sha) != "commit":
        raise missing()
    return JSONResponse(asked.shapes.git_commit(await asked.state.bare.commit(sha)))


async def contents(asked: Asked) -> Response:
    """Return a file, or the entries of a directory."""
    ref = asked.query.get("ref", "main")
    commit = await asked.state.bare.commit_of(ref)
    if commit is None:
        error = missing()
        error.message = f"No commit found for the ref {ref}"
        raise error
    path = asked.words["path"].strip("/")
    found = (await asked.state.bare.listing(commit, path=path)) if fits(path) else []
    if path and not found:
        raise missing()
    if not path or found[0][1] == "tree":
        entries = await asked.state.bare.listing(commit, path=f"{path}/" if path else "")
        return JSONResponse([_entry(asked, entry, ref) for entry in entries])
    mode, kind, sha, _, _ = found[0]
    if kind != "blob" or mode == "120000":
        kind = "symlink" if kind == "blob" else "submodule"
        more = (
            {"target": (await asked.state.bare.blob(sha)).decode()}
            if kind == "symlink"
            else {"submodule_git_url": None}
        )
        return JSONResponse({**asked.shapes.content(path, sha, 0, kind, ref), **more})
    content = await asked.state.bare.blob(sha)
    if len(content) > LARGEST_BLOB:
        errors = [{"resource": "Blob", "field": "data", "code": "too_large"}]
        raise RefusalError(HTTPStatus.FORBIDDEN, "This API returns blobs up to 100 MB in size.", errors=errors)
    inline = len(content) <= LARGEST_INLINE
    coded = {"content": _coded(content) if inline else "", "encoding": "base64" if inline else "none"}
    return JSONResponse({**asked.shapes.content(path, sha, len(content), "file", ref), **coded})


async def put(asked: Asked) -> Response:
    """Write a file to a branch, in a commit of its own."""
    message, content = asked.text("message", resource="Content"), asked.body.get("content")
    if not isinstance(content, str):
        raise invalid("Content", "content", "missing_field")
    before = await _before(asked)
    sha = await asked.state.bare.keep(_bytes(content))
    commit = await _commit(asked, message, sha)
    path = asked.words["path"]
    written = asked.shapes.content(path, sha, len(_bytes(content)), "file", asked.body.get("branch", "main"))
    status = HTTPStatus.OK if before else HTTPStatus.CREATED
    return made({"content": written, "commit": asked.shapes.git_commit(await asked.state.bare.commit(commit))}, status)


async def remove(asked: Asked) -> Response:
    """Take a file away from a branch, in a commit of its own."""
    message = asked.text("message", resource="Content")
    asked.text("sha", resource="Content")
    if await _before(asked) is None:
        raise missing()
    commit = await _commit(asked, message, None)
    return JSONResponse({"content": None, "commit": asked.shapes.git_commit(await asked.state.bare.commit(commit))})


async def _before(asked: Asked) -> str | None:
    """Return the blob that a file is now, which must be the one that the caller counts on."""
    asked.may_write()
    branch, path = asked.body.get("branch", "main"), asked.words["path"]
    if not fits(path):
        raise unprocessable("path contains a malformed path component")
    head = asked.state.bare.head(branch)
    if head is None:
        error = missing()
        error.message = f"Branch {branch} not found"
        raise error
    found = await asked.state.bare.listing(head, path=path)
    before = found[0][2] if found else None
    given = asked.body.get("sha")
    if before is not None and given is None:
        raise unprocessable('Invalid request.\n\n"sha" wasn\'t supplied.')
    if given is not None and given != before:
        raise conflict(f"{path} does not match {given}")
    return before


async def _commit(asked: Asked, message: str, sha: str | None) -> str:
    state, branch = asked.state, asked.body.get("branch", "main")
    head = state.bare.head(branch)
    planted = await state.bare.plant(head, [("100644", sha, asked.words["path"])])
    if head is None or planted is None:
        raise unprocessable("path contains a malformed path component")
    author = asked.who(asked.body.get("author"))
    commit = await state.bare.record(message, planted, [head], author, asked.who(asked.body.get("committer") or author))
    if reasons := await state.against(asked.person, branch, head, commit):
        raise conflict(reasons[0])
    await state.point(branch, commit, head, asked.person)
    return commit


async def _not_empty(asked: Asked) -> None:
    if not asked.state.bare.refs():
        raise conflict("Git Repository is empty.")


def _entry(asked: Asked, entry: tuple[str, str, str, str, str], ref: str) -> dict[str, Any]:
    mode, kind, sha, size, path = entry
    written = "symlink" if mode == "120000" else KINDS[kind]
    return asked.shapes.content(path, sha, int(size) if size != "-" else 0, written, ref)


def _coded(content: bytes) -> str:
    return base64.encodebytes(content).decode()


def _bytes(content: str) -> bytes:
    try:
        return base64.b64decode(content)
    except binascii.Error:
        raise unprocessable("content is not valid Base64") from None


ROUTES = (
    ("POST", "/git/blobs", make_blob),
    ("GET", "/git/blobs/{sha}", blob),
    ("POST", "/git/trees", make_tree),
    ("GET", "/git/trees/{sha:path}", tree),
    ("POST", "/git/commits", make_commit),
    ("GET", "/git/commits/{sha}", git_commit),
    ("GET", "/contents/{path:path}", contents),
    ("PUT", "/contents/{path:path}", put),
    ("DELETE", "/contents/{path:path}", remove),
)
