from __future__ import annotations

import json

import pytest

from ci.monorepo.documents import without_comments


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1, // one\n "b": [1, 2,], /* two */ }', {"a": 1, "b": [1, 2]}),
        ('{"url": "https://x.dev/*y*/", "c": ",]"}', {"url": "https://x.dev/*y*/", "c": ",]"}),
        ('{"a": "\\"// no comment"}', {"a": '"// no comment'}),
        ('{"a": [1, // one\n]}', {"a": [1]}),
        ('// before\n{"paths": {"@/*": ["./src/*"],},}\n// after', {"paths": {"@/*": ["./src/*"]}}),
    ],
)
def test_comments_and_trailing_commas_are_taken_out_of_json(text: str, value: object) -> None:
    plain = without_comments(text)
    assert json.loads(plain) == value
    assert len(plain) == len(text)
    assert plain.count("\n") == text.count("\n")
