from __future__ import annotations

import gzip
import http.client
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


@pytest.fixture
def site(environment: dict[str, str], tmp_path: Path) -> Iterator[http.client.HTTPConnection]:
    root = tmp_path / "dist"
    (root / "assets").mkdir(parents=True)
    (root / "index.html").write_text("<title>home</title>")
    (root / "about").mkdir()
    (root / "about" / "index.html").write_text("<title>about</title>")
    (root / "assets" / "index-C0ffee12.js").write_text("export {};")
    (tmp_path / "secret.txt").write_text("hush")
    (root / "link.txt").symlink_to(tmp_path / "secret.txt")
    process = subprocess.Popen(
        ["shipway-serve", str(root), "--port", "0"], env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        connection = http.client.HTTPConnection("127.0.0.1", int(address.rstrip("/").rsplit(":", 1)[1]), timeout=5)
        yield connection
        connection.close()
    finally:
        process.terminate()
        process.communicate(timeout=5)


def get(
    site: http.client.HTTPConnection, path: str, headers: Mapping[str, str] | None = None, method: str = "GET"
) -> tuple[int, str | None, bytes]:
    site.request(method, path, headers=dict(headers or {}))
    response = site.getresponse()
    return response.status, response.getheader("content-type"), response.read()


def test_files_directories_and_routes_of_the_application_are_served(site: http.client.HTTPConnection) -> None:
    assert get(site, "/") == (200, "text/html; charset=utf-8", b"<title>home</title>")
    assert get(site, "/about?x=1")[2] == b"<title>about</title>"
    assert get(site, "/receipts/7") == (200, "text/html; charset=utf-8", b"<title>home</title>")
    assert get(site, "/assets/index-C0ffee12.js")[:2] == (200, "text/javascript; charset=utf-8")
    assert get(site, "/assets/missing.js")[0] == 404
    assert get(site, "/", method="HEAD") == (200, "text/html; charset=utf-8", b"")
    assert get(site, "/", method="POST")[0] == 405


def test_text_is_compressed_for_a_client_that_takes_it(site: http.client.HTTPConnection) -> None:
    assert gzip.decompress(get(site, "/", {"accept-encoding": "br, gzip"})[2]) == b"<title>home</title>"


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/assets/..%5c../secret.txt",
        "/link.txt",
        "/%00",
        "/%zz",
    ],
)
def test_nothing_outside_the_directory_is_served(site: http.client.HTTPConnection, path: str) -> None:
    status, _, content = get(site, path)
    assert b"hush" not in content
    assert status in {200, 404}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere", "--port", "0"], "nowhere is no directory: was it built?"),
        (["x"], "usage"),
        (["x", "--port", "no"], "usage"),
    ],
)
def test_what_cannot_be_served_is_said_in_one_line(
    environment: dict[str, str], tmp_path: Path, arguments: list[str], said: str
) -> None:
    ended = subprocess.run(
        ["shipway-serve", *arguments], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert said in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
