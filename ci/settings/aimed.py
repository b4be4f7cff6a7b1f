"""The settings of a commit as they are for an environment that it is to be promoted to, or for a box without any."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ci.settings import Settings
    from ci.settings.environments import Environment, Tests
    from ci.settings.stages import E2e, Integration


def aimed(settings: Settings, environment: str | None, *, database: str | None = None) -> Settings:
    """Return the settings by which the stages use an environment's services: its database, variables and secrets.

    `database` is the branch at Neon that databases are made of. Without an environment nothing but that is changed.
    """
    own: Environment = getattr(settings.environments, environment or "development")
    neon = own.neon if own.neon is None or database is None else own.neon.model_copy(update={"parent": database})
    development = settings.environments.development.model_copy(update={"neon": neon})
    stages = settings.stages
    if environment is not None:
        changed = {name: _with(getattr(stages, name), own.tests) for name in ("integration", "e2e")}
        stages = stages.model_copy(update=changed)
    environments = settings.environments.model_copy(update={"development": development})
    return settings.model_copy(update={"stages": stages, "environments": environments})


def boxed(settings: Settings) -> Settings:
    """Return the settings by which nothing is handed to the stages: no secret, and no database that is elsewhere."""
    stages = settings.stages
    bare = {name: getattr(stages, name).model_copy(update={"secrets": {}}) for name in ("integration", "e2e")}
    development = settings.environments.development.model_copy(update={"neon": None})
    environments = settings.environments.model_copy(update={"development": development})
    return settings.model_copy(update={"stages": stages.model_copy(update=bare), "environments": environments})


def _with(stage: Integration | E2e, tests: Tests) -> Integration | E2e:
    """Return a stage with an environment's variables in place of those of its own that have the same names."""
    names = {*tests.variables, *tests.secrets}
    env = {name: value for name, value in stage.env.items() if name not in names} | dict(tests.variables)
    hidden = {name: value for name, value in stage.secrets.items() if name not in names} | dict(tests.secrets)
    return stage.model_copy(update={"env": env, "secrets": hidden})
