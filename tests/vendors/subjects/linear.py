from __future__ import annotations

import uuid

from ci.rehearsal import linear as standing_in
from ci.rehearsal.linear_world import STATES, TEAM
from ci.vendors import linear
from ci.vendors.linear import Draft, Issue
from tests.vendors.hostile import Asked, Subject

(KEY,) = standing_in.KEYS
DRAFT = Draft(team=TEAM["id"], title="production is ill", description="**Why**: `a` is *b*.")
STATES_BY_NAME = {name: str(uuid.uuid5(uuid.UUID(TEAM["id"]), name)) for name, _ in STATES}
URL = "https://receipts.sentry.test/issues/4711"


async def create(client: linear.Linear) -> Issue:
    return await client.create(DRAFT, key="incident-1")


ISSUE = linear.derived("incident-1")

SUBJECT = Subject(
    name="linear",
    stand_in=standing_in.Linear,
    connect=lambda address, patience, transport: linear.connect(
        KEY, address=address, patience=patience, transport=transport
    ),
    secrets=(KEY,),
    limited_status=400,
    limited_body='{"errors": [{"message": "slowly", "extensions": {"type": "ratelimited"}}]}',
    asked={
        "workspace": Asked(run=lambda client: client.workspace()),
        "team": Asked(run=lambda client: client.team("REC")),
        "states": Asked(run=lambda client: client.states(TEAM["id"])),
        "label": Asked(run=lambda client: client.label("shipway:stop", team=TEAM["id"])),
        "ensure_label": Asked(
            run=lambda client: client.ensure_label("shipway:stop", team=TEAM["id"]),
            effects=lambda it: len(it.world.shelf("labels")),
        ),
        "issue": Asked(prepare=create, run=lambda client: client.issue(ISSUE)),
        "create": Asked(run=create, effects=lambda it: len(it.world.shelf("issues"))),
        "move": Asked(
            prepare=create,
            run=lambda client: client.move(ISSUE, state=STATES_BY_NAME["Done"]),
            effects=lambda it: sum(
                each["state"] == STATES_BY_NAME["Done"] for each in it.world.shelf("issues").values()
            ),
        ),
        "comment": Asked(
            prepare=create,
            run=lambda client: client.comment(ISSUE, "It is back.", key="incident-1/back"),
            effects=lambda it: len(it.world.shelf("comments")),
        ),
        "linked": Asked(prepare=create, run=lambda client: client.linked(URL)),
        "link": Asked(
            prepare=create,
            run=lambda client: client.link(ISSUE, url=URL, title="Sentry"),
            effects=lambda it: len(it.world.shelf("attachments")),
        ),
        "open_with": Asked(run=lambda client: client.open_with("shipway:stop", team=TEAM["id"])),
    },
)
