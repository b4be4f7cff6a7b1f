from __future__ import annotations

import pytest

from ci.diagnosis.patterns import PatternError, fitting, matching
from ci.diagnosis.secretive import is_secret


@pytest.mark.parametrize(
    ("glob", "fit", "other"),
    [
        ("**", "a/b.ts", None),
        ("*.ts", "a.ts", "a/b.ts"),
        ("**/*.ts", "a.ts", "a.tsx"),
        ("a/**", "a/b/c", "b/a"),
        ("a/?.ts", "a/b.ts", "a//.ts"),
        ("{a,b/c}/*.{ts,tsx}", "b/c/x.tsx", "c/x.ts"),
        ("app/[id]/*", "app/[id]/x", "app/i/x"),
        ("a+(b).ts", "a+(b).ts", "aab.ts"),
        ("a, b}.ts", "a, b}.ts", "a"),
    ],
)
def test_globs(glob: str, fit: str, other: str | None) -> None:
    assert fitting(glob)(fit)
    assert other is None or not fitting(glob)(other)


def test_a_pattern_is_looked_for_anywhere() -> None:
    assert matching("b+")("abbc")
    with pytest.raises(PatternError, match="look-around"):
        matching("(?!a)")


SECRETS = """
    .env .env.local .envrc prod.env .npmrc id_rsa id_ed25519.old tls.KEY x.pem .aws secrets.yaml credentials.json
    gcp-service-account.json prod.secret.toml terraform.tfstate
"""
OTHERS = "env.ts environment.md keys.ts id_rsa.pub secrets.ts package.json npmrc.md"


@pytest.mark.parametrize("name", SECRETS.split())
def test_names_of_secrets(name: str) -> None:
    assert is_secret(name)


@pytest.mark.parametrize("name", OTHERS.split())
def test_names_of_other_files(name: str) -> None:
    assert not is_secret(name)
