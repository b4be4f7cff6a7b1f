"""A small product to ask: sign-in, files, vendors. It can be broken in each way that a probe must see."""

from __future__ import annotations

import email
import email.policy
import secrets
from typing import TYPE_CHECKING

import anyio
from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

COMMIT = "c0ffee" * 6 + "abcd"
OTHER = "badbad" * 6 + "0123"
PASSWORD = "correct-horse-battery"  # noqa: S105 - of nobody
HUGE = 17
LATE = 9
HOSTILE = "\x1b[31mred\x1b[0m \u202e[bold]reversed[/bold] ::error::x"


class Product:
    """The app. `broken` are the ways in which it is; `seen` the requests that it got, as method, path and headers."""

    def __init__(self, *broken: str, elsewhere: str = "https://elsewhere.example") -> None:
        """Have nobody signed in and no file. `elsewhere` is where it leads away to."""
        self.elsewhere = elsewhere
        self.broken = frozenset(broken)
        self.seen: list[tuple[str, str, dict[str, str]]] = []
        self.sessions: set[str] = set()
        self.files: dict[str, bytes] = {}
        self.app = Starlette(
            routes=[
                self._route("/version", self._version),
                self._route("/health", self._health),
                self._route("/old", self._old),
                self._route("/vendor", self._vendor),
                self._route("/sign-in", self._sign_in, "POST"),
                self._route("/me", self._me),
                self._route("/files", self._upload, "POST"),
                self._route("/files/{id}", self._file, "GET", "DELETE"),
            ]
        )

    def _route(self, path: str, answer: Callable[[Request], object], *methods: str) -> Route:
        async def recorded(request: Request) -> Response:
            self.seen.append((request.method, request.url.path, dict(request.headers)))
            if "late" in self.broken and request.url.path != "/version" and len(self.seen) <= LATE:
                return PlainTextResponse("not yet", 503)
            found = answer(request)
            made: Response = await found if hasattr(found, "__await__") else found  # type: ignore[assignment]
            return made

        return Route(path, recorded, methods=methods or ("GET",))

    async def _version(self, _request: Request) -> Response:
        return JSONResponse({"commit": OTHER if "commit" in self.broken else COMMIT})

    async def _health(self, request: Request) -> Response:
        if "slow" in self.broken:
            while not await request.is_disconnected():  # noqa: ASYNC110 - there is no event for it
                await anyio.sleep(0.02)
        if "huge" in self.broken:
            return Response(b" " * HUGE * 1024 * 1024)
        if "garbled" in self.broken:
            return Response(b"\x1f\x8bno", headers={"content-encoding": "gzip"})
        if "redirect" in self.broken:
            return RedirectResponse("https://elsewhere.example/health")
        if "hostile" in self.broken:
            return JSONResponse({"status": HOSTILE, "parts": []})
        if "deep" in self.broken:
            return Response("[" * 100_000, media_type="application/json")
        if "page" in self.broken:
            return PlainTextResponse("<h1>Sign in to the network</h1>")
        status = "down" if "value" in self.broken else "ok"
        code = 503 if "status" in self.broken else 200
        return JSONResponse({"status": status, "parts": [{"name": "database", "rows": 3, "up": True}]}, code)

    async def _old(self, _request: Request) -> Response:
        away = self.elsewhere if "away" in self.broken else ""
        return RedirectResponse(f"{away}/vendor", 301)

    async def _vendor(self, request: Request) -> Response:
        if "telling" in self.broken:  # an error page that shows what it was sent
            return JSONResponse({"error": f"{PASSWORD} {request.headers['x-synthetic']}"}, 500)
        return JSONResponse({"state": "reachable"}, headers={"x-vendor": "one/2"})

    async def _sign_in(self, request: Request) -> Response:
        told = await request.json()
        if told != {"email": "smoke@example.test", "password": PASSWORD, "times": 1}:
            return JSONResponse({"error": {"code": "wrong", "sent": told}}, 401)
        if request.headers.get("origin") != str(request.base_url).rstrip("/"):
            return JSONResponse({"error": {"code": "foreign"}}, 403)
        session = secrets.token_hex(12)
        self.sessions.add(session)
        answer = JSONResponse({"token": session})
        if "cookie" not in self.broken:
            answer.set_cookie("session", session)
        return answer

    async def _me(self, request: Request) -> Response:
        if "open" in self.broken or self._is_signed_in(request):
            return JSONResponse({"email": "smoke@example.test"})
        return JSONResponse({"error": {"code": "unauthenticated"}}, 401)

    async def _upload(self, request: Request) -> Response:
        if not self._is_signed_in(request):
            return JSONResponse({}, 401)
        body = await request.body()
        kind = request.headers["content-type"]
        if kind.startswith("multipart/form-data"):
            head = f"content-type: {kind}\r\n\r\n".encode()
            parts = email.message_from_bytes(head + body, policy=email.policy.HTTP).get_payload()
            found = {str(each.get_param("name", header="content-disposition")): each for each in parts}  # type: ignore[union-attr]
            content: bytes = found["file"].get_payload(decode=True)  # type: ignore[union-attr,assignment]
            if found["note"].get_payload(decode=True) != b"of smoke":  # type: ignore[union-attr]
                return JSONResponse({}, 422)
        else:
            content = body
        self.files["7"] = content
        if "forgetful" in self.broken:
            return JSONResponse({"file": {}}, 201)
        if "half" in self.broken:  # of a character
            return Response(b'{"file": {"id": "\\ud800/../health"}}', 201)
        return JSONResponse({"file": {"id": 7}}, 201)

    async def _file(self, request: Request) -> Response:
        name = request.path_params["id"]
        if request.method == "DELETE":
            if "keeping" in self.broken:
                return JSONResponse({}, 500)
            return Response(status_code=204 if self.files.pop(name, None) is not None else 404)
        content = self.files.get(name)
        if content is None:
            return JSONResponse({}, 404)
        return Response(content[:-1] + b"?" if "bytes" in self.broken else content)

    def _is_signed_in(self, request: Request) -> bool:
        return request.cookies.get("session") in self.sessions
