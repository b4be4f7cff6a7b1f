"""Deployments that GitHub is told of, how they stand, and dispatches, which start workflows.

By default GitHub merges the default branch into the one deployed, and refuses while any check of it is not green: both
are turned off here, for what is deployed was decided before.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from ci.errors import Trouble, UsageError
from ci.vendors.github.area import Area, once, trouble
from ci.vendors.github.texts import LARGEST_PAYLOAD, LONGEST_DESCRIPTION, LONGEST_EVENT, MOST_PAYLOAD, short
from ci.vendors.github.values import Deployment, DeploymentStatus

KEY = "shipway"  # the name in a deployment's payload under which ours have their key


class Deployments(Area):
    """The deployments of one repository."""

    async def get(self, number: int) -> Deployment | None:
        """Return a deployment. Raises VendorError."""
        return await self.find(f"/deployments/{number}", Deployment, what="a deployment")

    async def every_one(
        self, *, environment: str | None = None, sha: str | None = None, most: int | None = None
    ) -> tuple[Deployment, ...]:
        """Return deployments, the newest first; the newest `most` where that many are enough. Raises VendorError."""
        query = {name: value for name, value in {"environment": environment, "sha": sha}.items() if value is not None}
        return await self.every("/deployments", Deployment, what="deployments", query=query, most=most)

    async def ensure(self, key: str, *, sha: str, environment: str, description: str, production: bool) -> Deployment:
        """Return the deployment of a commit that has our key, or tell GitHub of it. Raises VendorError."""

        async def look() -> Deployment | None:
            found = await self.every_one(environment=environment, sha=sha)
            return next((each for each in found if _key(each) == key), None)

        async def write() -> Deployment:
            words = {
                "ref": sha,
                "environment": environment,
                "description": short(description, LONGEST_DESCRIPTION),
                "payload": {KEY: key},
                "production_environment": production,
                "auto_merge": False,
                "required_contexts": [],
            }
            accept = (HTTPStatus.CREATED, HTTPStatus.ACCEPTED)
            answer = await self.ask("POST", "/deployments", body=words, accept=accept)
            if answer.status == HTTPStatus.ACCEPTED:
                raise trouble(Trouble.REFUSING, "it merged a branch instead of making the deployment")
            return self.exchange.read(answer, Deployment, what="a deployment")

        return await once(look, write)

    async def statuses(self, number: int, *, most: int | None = None) -> tuple[DeploymentStatus, ...]:
        """Return how a deployment stood, the newest first. Raises VendorError."""
        return await self.every(f"/deployments/{number}/statuses", DeploymentStatus, what="statuses", most=most)

    async def set(
        self, number: int, state: str, *, description: str, address: str | None = None, log: str | None = None
    ) -> DeploymentStatus:
        """Say how a deployment stands: error, failure, inactive, in_progress, queued, pending, success.

        What it says already is not said again. A success makes the environment's earlier deployments inactive, as
        GitHub has it. Raises VendorError.
        """
        line = short(description, LONGEST_DESCRIPTION)

        async def look() -> DeploymentStatus | None:
            newest = await self.statuses(number, most=1)
            return next((each for each in newest if (each.state, each.description) == (state, line)), None)

        async def write() -> DeploymentStatus:
            words = {"state": state, "description": line}
            words |= {} if address is None else {"environment_url": address}
            words |= {} if log is None else {"log_url": log}
            path = f"/deployments/{number}/statuses"
            answer = await self.ask("POST", path, body=words, accept=(HTTPStatus.CREATED,))
            return self.exchange.read(answer, DeploymentStatus, what="a deployment's status")

        return await once(look, write)

    async def dispatch(self, event: str, payload: Mapping[str, Any]) -> None:
        """Start the workflows that wait for an event. Raises VendorError, UsageError where GitHub would not take it.

        GitHub gives back nothing to know it by: where its answer was lost the error is `unsettled`, and the receiver
        must tell a repetition by what stands in the payload.
        """
        if len(event) > LONGEST_EVENT or len(payload) > MOST_PAYLOAD:
            raise UsageError(
                f"a dispatch has a type of {LONGEST_EVENT} characters and a payload of {MOST_PAYLOAD} names at most"
            )
        if len(json.dumps(payload).encode()) > LARGEST_PAYLOAD:
            raise UsageError("a dispatch's payload is less than 64 KB")
        words = {"event_type": event, "client_payload": dict(payload)}
        await self.ask("POST", "/dispatches", body=words, accept=(HTTPStatus.NO_CONTENT,), repeatable=False)


def _key(deployment: Deployment) -> Any:
    """Return our key; a payload that was sent as a text of JSON comes back as a text."""
    payload: Any = deployment.payload
    if isinstance(payload, str):
        try:
            payload = json.loads(payload)
        except ValueError:
            return None
    return payload.get(KEY) if isinstance(payload, Mapping) else None
