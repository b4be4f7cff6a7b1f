"""Files that hold secrets by their names: no model reads one, and none writes one."""

from __future__ import annotations

import re

_SECRET = re.compile(
    r"\.env.*|.*\.env|\.?(npmrc|yarnrc|yarnrc\.yml|netrc|_netrc|pgpass|git-credentials|pypirc|dockercfg|htpasswd|vault-token)"
    r"|\.(ssh|aws|gnupg|kube|docker|azure|gcloud|vercel)"
    r"|id_(rsa|dsa|ecdsa|ed25519)(\.(?!pub$).*)?"
    r"|.*\.(pem|key|p8|p12|pfx|jks|keystore|kdbx|asc|gpg|tfstate|tfvars|tfstate\.backup)"
    r"|(.*[-_.])?(secrets?|credentials?|service[-_]?account)([-_.].*)?\.(json|ya?ml|toml|txt|ini)"
)


def is_secret(name: str) -> bool:
    """Whether a file or a directory of that name may hold secrets; as a file system without capitals has it."""
    return _SECRET.fullmatch(name.casefold().rstrip(" .")) is not None
