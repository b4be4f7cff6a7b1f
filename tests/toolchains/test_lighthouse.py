from __future__ import annotations

import json
import subprocess
from pathlib import Path

PAGE = '<!doctype html><html lang="en"><title>t</title><meta name="viewport" content="width=device-width"><img src="x.png">'


def measure(environment: dict[str, str], out: Path, url: str, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["shipway-lighthouse", "--out", str(out), *more, url], env={**environment, "TMPDIR": str(out.parent)},
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def test_a_real_page_gets_its_scores_and_the_audits_behind_them(environment: dict[str, str], tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    (site / "index.html").write_text(PAGE)
    server = subprocess.Popen(
        ["shipway-serve", str(site), "--port", "0"], env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        ended = measure(environment, tmp_path / "out.json", url, "--categories", "accessibility,seo")
    finally:
        server.terminate()
        server.communicate(timeout=5)
    assert ended.returncode == 0, ended.stderr
    page = json.loads((tmp_path / "out.json").read_text())["pages"][0]
    assert page["url"] == url
    assert set(page["runs"][0]["scores"]) == {"accessibility", "seo"}
    assert 0 < page["runs"][0]["scores"]["accessibility"] < 1
    assert "image-alt" in {audit["id"] for audit in page["audits"]}
    assert not list(tmp_path.glob("shipway-lighthouse-*"))


def test_a_page_that_does_not_answer_is_one_line_and_no_report(environment: dict[str, str], tmp_path: Path) -> None:
    ended = measure(environment, tmp_path / "out.json", "http://127.0.0.1:1/", "--categories", "seo")
    assert ended.returncode == 1
    assert ended.stderr.startswith("shipway-lighthouse: http://127.0.0.1:1/ cannot be measured: ")
    assert len(ended.stderr.splitlines()) == 1
    assert not (tmp_path / "out.json").exists()


def test_a_browser_that_does_not_start_is_one_line(environment: dict[str, str], tmp_path: Path) -> None:
    for browser, said in (("/bin/false", "it ended with 1"), ("/nowhere", "ENOENT")):
        ended = measure({**environment, "SHIPWAY_CHROMIUM": browser}, tmp_path / "out.json", "http://127.0.0.1:1/")
        assert ended.returncode == 1
        assert "the browser cannot be started" in ended.stderr
        assert said in ended.stderr
