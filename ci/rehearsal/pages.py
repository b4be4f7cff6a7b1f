"""Pages for a person: HTML in which every value is escaped, that runs no script and loads nothing."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse

from ci.text import clean

if TYPE_CHECKING:
    from starlette.responses import Response

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-src 'self'; base-uri 'none'"


def page(template: str, *, status: int = 200, **values: Any) -> Response:
    """Return the page of a template in ci/rehearsal/templates."""
    content = _environment().get_template(template).render(**values)
    headers = {"content-security-policy": POLICY, "referrer-policy": "no-referrer", "x-content-type-options": "nosniff"}
    return HTMLResponse(content, status_code=status, headers=headers)


@functools.cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("ci.rehearsal"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["clean"] = clean
    return made
