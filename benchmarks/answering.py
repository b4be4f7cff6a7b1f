r"""A deployment to be moved to and away from: it says its name all through its answers, and takes uploads.

python -m benchmarks.answering PORT NAME

GET  /stream?id=ID   five pieces "NAME ID\n", a moment apart
POST /upload?id=ID   "NAME ID SHA256\n" of what was sent
"""

from __future__ import annotations

import hashlib
import sys
from typing import TYPE_CHECKING

import anyio
import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

PIECES = 5
BETWEEN = 0.02  # seconds


def application(name: str) -> Starlette:
    """Return the deployment's application."""

    async def stream(request: Request) -> Response:
        async def pieces() -> AsyncIterator[str]:
            for _ in range(PIECES):
                yield f"{name} {request.query_params['id']}\n"
                await anyio.sleep(BETWEEN)

        return StreamingResponse(pieces(), headers={"x-deployment": name})

    async def upload(request: Request) -> Response:
        found = hashlib.sha256()
        async for chunk in request.stream():
            found.update(chunk)
        text = f"{name} {request.query_params['id']} {found.hexdigest()}\n"
        return PlainTextResponse(text, headers={"x-deployment": name})

    return Starlette(routes=[Route("/stream", stream), Route("/upload", upload, methods=["POST"])])


if __name__ == "__main__":
    uvicorn.run(application(sys.argv[2]), host="127.0.0.1", port=int(sys.argv[1]), log_level="error", lifespan="off")
