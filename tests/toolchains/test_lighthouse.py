from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PAGE = '<!doctype html><html lang="en"><title>t</title><meta name="viewport" content="width=320"><img src="x.png">'


@pytest.fixture
def page(environment: dict[str, str], tmp_path: Path) -> Iterator[str]:
    """Serve one page with a fault, and give its address."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "index.html").write_text(PAGE)
    server = subprocess.Popen(
        ["shipway-serve", str(site), "--port", "0"], env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        yield server.stdout.readline().strip()
    finally:
        server.terminate()
        server.communicate(timeout=5)


def measure(environment: dict[str, str], out: Path, url: str, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["shipway-lighthouse", "--out", str(out), *more, url], env={**environment, "TMPDIR": str(out.parent)},
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def test_a_real_page_gets_its_scores_and_the_audits_behind_them(
    environment: dict[str, str], tmp_path: Path, page: str
) -> None:
    ended = measure(environment, tmp_path / "out.json", page, "--categories", "accessibility,seo")
    assert ended.returncode == 0, ended.stderr
    measured = json.loads((tmp_path / "out.json").read_text())["pages"][0]
    assert measured["url"] == page
    assert set(measured["runs"][0]["scores"]) == {"accessibility", "seo"}
    assert 0 < measured["runs"][0]["scores"]["accessibility"] < 1
    assert "image-alt" in {audit["id"] for audit in measured["audits"]}
    assert not list(tmp_path.glob("shipway-lighthouse-*"))


def test_a_page_that_does_not_answer_is_one_line_and_no_report(
    environment: dict[str, str], tmp_path: Path, free_port: Callable[[], int]
) -> None:
    url = f"http://127.0.0.1:{free_port()}/"
    ended = measure(environment, tmp_path / "out.json", url)
    assert ended.returncode == 1
    assert ended.stderr == f"shipway-lighthouse: {url} does not answer: ECONNREFUSED\n"
    assert not (tmp_path / "out.json").exists()


@pytest.mark.parametrize(("browser", "said"), [("/bin/false", "it ended with 1"), ("/nowhere", "ENOENT")])
def test_a_browser_that_does_not_start_is_one_line(
    environment: dict[str, str], tmp_path: Path, page: str, browser: str, said: str
) -> None:
    ended = measure({**environment, "SHIPWAY_CHROMIUM": browser}, tmp_path / "out.json", page)
    assert ended.returncode == 1
    assert ended.stderr.startswith("shipway-lighthouse: the browser cannot be started: ")
    assert said in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
