"""Files, blobs, trees and commits to be made. Git names them by their content: to make one again makes the same one."""

from __future__ import annotations

import base64
import binascii
import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any

from ci.errors import Trouble, VendorError
from ci.vendors.answers import Answer
from ci.vendors.github.area import Area, once, path_of, trouble
from ci.vendors.github.values import Commit, Content, Tree, at

BLOB, EXECUTABLE, LINK = "100644", "100755", "120000"
MISSING = (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY)


@dataclass(frozen=True, kw_only=True)
class Signature:
    """Who made a commit, and when: without the moment the same commit would get another name when it is made again."""

    name: str
    email: str
    moment: datetime.datetime

    def written(self) -> dict[str, str]:
        """As GitHub takes it: RFC 3339 in UTC, whole seconds."""
        moment = self.moment.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {"name": self.name, "email": self.email, "date": moment}


@dataclass(frozen=True, kw_only=True)
class _Named:
    sha: str


@dataclass(frozen=True, kw_only=True)
class _Coded:
    sha: str
    encoding: str
    content: str


@dataclass(frozen=True, kw_only=True)
class _Placed(_Coded):
    path: str


@dataclass(frozen=True, kw_only=True)
class _Done:
    commit: Annotated[str, at("commit", "sha")]


class Objects(Area):
    """What git keeps. Nothing here moves a branch but `put` and `remove`."""

    async def commit(self, sha: str) -> Commit | None:
        """Return a commit as git has it. Raises VendorError."""
        return await self.find(f"/git/commits/{path_of(sha)}", Commit, what="a commit", absent=MISSING)

    async def tree(self, sha: str, *, recursive: bool = False) -> Tree | None:
        """Return a tree, with all that is below where it is `recursive`. Raises VendorError."""
        query = {"recursive": "1"} if recursive else None
        return await self.find(f"/git/trees/{path_of(sha)}", Tree, what="a tree", query=query, absent=MISSING)

    async def blob(self, sha: str) -> bytes | None:
        """Return the bytes of a blob. Raises VendorError."""
        found = await self.find(f"/git/blobs/{path_of(sha)}", _Coded, what="a blob", absent=MISSING)
        return _decoded(found) if found is not None else None

    async def make_blob(self, content: bytes) -> str:
        """Keep some bytes, and return their name. Raises VendorError."""
        body = {"content": base64.b64encode(content).decode(), "encoding": "base64"}
        return await self._make("/git/blobs", body, "a blob")

    async def make_tree(self, base: str, files: Mapping[str, tuple[str, str] | None]) -> str:
        """Make a tree out of another one, and return its name.

        `files` are mode and blob by path; None takes a path away. Raises VendorError.
        """
        entries = [
            {"path": path, "mode": BLOB, "type": "blob", "sha": None}
            if file is None
            else {"path": path, "mode": file[0], "type": "blob", "sha": file[1]}
            for path, file in files.items()
        ]
        return await self._make("/git/trees", {"base_tree": base, "tree": entries}, "a tree")

    async def make_commit(self, message: str, tree: str, parents: tuple[str, ...], signature: Signature) -> str:
        """Make a commit, which no branch has yet, and return its name. Raises VendorError."""
        who = signature.written()
        body = {"message": message, "tree": tree, "parents": list(parents), "author": who, "committer": who}
        return await self._make("/git/commits", body, "a commit")

    async def file(self, path: str, *, ref: str) -> Content | None:
        """Return a file as it is on a branch or in a commit; a directory is none. Raises VendorError.

        A file of more than a megabyte comes as a blob of its own, up to what an answer may hold:
        https://docs.github.com/en/rest/repos/contents#get-repository-content.
        """
        try:
            answer = await self.ask("GET", f"/contents/{path_of(path)}", query={"ref": ref})
        except VendorError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return None
            raise
        body = answer.json()
        if isinstance(body, list) or (isinstance(body, dict) and body.get("type") in ("symlink", "submodule", "dir")):
            return None
        found = self.exchange.read(answer, _Placed, what="a file")
        content = await self.blob(found.sha) if found.encoding == "none" else _decoded(found)
        if content is None:
            raise trouble(Trouble.UNREADABLE, f"the blob of {path} is not there")
        return Content(path=found.path, sha=found.sha, content=content)

    async def put(self, path: str, content: bytes, *, branch: str, message: str, over: str | None) -> str:
        """Write a file to a branch in a commit of its own, and return the file's name as a blob.

        `over` is the blob that must be there now, None: no file must be. A file that has the content already is well.
        Raises VendorError.
        """

        async def look() -> str | None:
            found = await self.file(path, ref=branch)
            return found.sha if found is not None and found.content == content else None

        async def write() -> str:
            body = {"message": message, "content": base64.b64encode(content).decode(), "branch": branch}
            if over is not None:
                body["sha"] = over
            made = (HTTPStatus.OK, HTTPStatus.CREATED)
            answer = await self._change("PUT", path, body, made)
            return self.exchange.value(answer.json(), _Written, what="a file").sha

        return await once(look, write)

    async def remove(self, path: str, *, branch: str, message: str, over: str) -> None:
        """Take a file away from a branch in a commit of its own; one that is gone is well.

        `over` is the blob that must be there now. Raises VendorError.
        """

        async def look() -> bool | None:
            return True if await self.file(path, ref=branch) is None else None

        async def write() -> bool:
            body = {"message": message, "sha": over, "branch": branch}
            self.exchange.read(await self._change("DELETE", path, body, (HTTPStatus.OK,)), _Done, what="a commit")
            return True

        await once(look, write)

    async def _change(self, method: str, path: str, body: Mapping[str, str], accept: tuple[int, ...]) -> Answer:
        # Not repeatable: the second time its own work is in the way.
        return await self.ask(method, f"/contents/{path_of(path)}", body=body, accept=accept, repeatable=False)

    async def _make(self, path: str, body: Mapping[str, Any], what: str) -> str:
        answer = await self.ask("POST", path, body=body, accept=(HTTPStatus.CREATED,), repeatable=True)
        return self.exchange.read(answer, _Named, what=what).sha


@dataclass(frozen=True, kw_only=True)
class _Written:
    sha: Annotated[str, at("content", "sha")]


def _decoded(found: _Coded) -> bytes:
    if found.encoding == "utf-8":
        return found.content.encode()
    try:
        return base64.b64decode(found.content)
    except binascii.Error as error:
        raise trouble(Trouble.UNREADABLE, f"the content of {found.sha} is no base64") from error
