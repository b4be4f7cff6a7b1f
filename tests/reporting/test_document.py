from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from ci.errors import UsageError
from ci.reporting.document import SCHEMA_FILE, from_document, read_document, schema, to_document, to_json

if TYPE_CHECKING:
    from pathlib import Path

    from ci.model import RunReport


def test_a_report_comes_back_equal(sample: RunReport) -> None:
    assert from_document(json.loads(to_json(sample))) == sample


def test_the_same_report_gives_the_same_text(sample: RunReport) -> None:
    once = from_document(to_document(sample))
    assert to_json(from_document(to_document(once))) == to_json(once)


def test_the_outer_shape_stands_first_and_in_order(red: RunReport) -> None:
    document = to_document(red)
    outer = "schema tool id kind environment commit dirty started verdict seconds executor slots stages steps rulings"
    assert " ".join(list(document)[:15]) == outer
    assert document["schema"] == 1
    stage = document["stages"][1]
    assert list(stage)[:6] == ["name", "status", "seconds", "target", "reason", "checks"]
    check = stage["checks"][0]
    assert list(check)[:8] == ["name", "package", "status", "seconds", "cached_from", "counts", "failures", "repeat"]
    assert list(check["counts"])[:4] == ["tests", "failed", "skipped", "flaky"]
    assert {key: check["failures"][0][key] for key in ("message", "file", "line", "test")} == {
        "message": "'discount' is assigned a value but never used",
        "file": "packages/core/src/receipts/total.ts",
        "line": 12,
        "test": None,
    }
    assert (document["steps"], document["rulings"]) == ([], [])


def test_the_shipped_schema_is_the_models_own() -> None:
    renew = 'python -c "from ci.reporting.document import *; SCHEMA_FILE.write_text(schema())"'
    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema(), f"after a change of the model: {renew}"


def test_every_key_of_a_document_stands_in_the_schema_and_is_required(sample: RunReport) -> None:
    shipped = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))

    def compare(value: Any, described: dict[str, Any]) -> None:
        described = shipped["$defs"][described["$ref"].rpartition("/")[2]] if "$ref" in described else described
        if isinstance(value, dict) and "properties" in described:
            assert sorted(described["required"]) == sorted(described["properties"]) == sorted(value)
            for key, entry in value.items():
                compare(entry, described["properties"][key])
        if isinstance(value, list):
            for entry in value:
                compare(entry, described["items"])

    compare(to_document(sample), shipped)


def test_a_file_name_that_is_no_utf8_does_not_break_the_report(green: RunReport) -> None:
    text = to_json(replace(green, branch="caf\udce9"))
    assert json.loads(text.encode().decode())["branch"] == "caf\\udce9"


def test_keys_of_a_later_version_are_left_out(green: RunReport) -> None:
    assert from_document(to_document(green) | {"invented": True}) == green


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"schema": 2}, "schema: Input should be 1"),
        ({"verdict": "great"}, "verdict: "),
        ({"stages": [{"name": "lint"}]}, r"stages\.0\.\w+: Field required"),
    ],
)
def test_what_is_no_report_is_refused_with_the_place(green: RunReport, change: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said) as refused:
        from_document(to_document(green) | change)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("text", ["", "[]", "\x00", '{"schema": 1}'])
def test_a_file_that_is_no_report_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "report.json").write_text(text)
    with pytest.raises(UsageError):
        read_document(tmp_path / "report.json")
    with pytest.raises(UsageError, match="cannot be read"):
        read_document(tmp_path / "none.json")


def test_a_report_is_read_from_its_file(tmp_path: Path, red: RunReport) -> None:
    (tmp_path / "report.json").write_text(to_json(red))
    assert read_document(tmp_path / "report.json") == red
