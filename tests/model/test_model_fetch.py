"""Downloads, against a server on the loopback address that misbehaves as told."""

from __future__ import annotations

import hashlib
import io
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from offload_sdk.errors import ModelError
from offload_sdk.model import CATALOGUE, CatalogueEntry, InputSpec
from offload_sdk.model.fetch import FetchLimits, fetch

pytestmark = pytest.mark.light
MODEL = np.random.default_rng(1).bytes(200_000)  # does not compress, so the archive has about that size
MEMBER = "net/net.tflite"
QUICK = FetchLimits(connect_s=2, read_s=2, total_s=20, attempts=3, pause_s=0.01)


def archive(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as files:
        for name, content in members.items():
            facts = tarfile.TarInfo(name)
            facts.size = len(content)
            files.addfile(facts, io.BytesIO(content))
    return stream.getvalue()


ARCHIVE = archive({"net/README": b"hello", MEMBER: MODEL, "../../evil": b"evil", "/evil": b"evil"})


@dataclass
class Mirror:
    """What the server does, and the requests that it saw."""

    content: bytes = ARCHIVE
    etag: str | None = '"one"'
    obeys_range: bool = True
    says_length: bool = True
    breaks_after: list[int] = field(default_factory=list)  # bytes of the body of each next answer
    statuses: list[int] = field(default_factory=list)  # of each next answer
    requests: list[dict[str, str]] = field(default_factory=list)
    url: str = ""


class _Handler(BaseHTTPRequestHandler):
    mirror: Mirror

    def do_GET(self) -> None:
        mirror = self.mirror
        mirror.requests.append({"path": self.path, **dict(self.headers.items())})
        status = mirror.statuses.pop(0) if mirror.statuses else 200
        body, extra = mirror.content, {}
        if status != 200:
            body = b"no"
        elif self._resumes():
            first = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
            status = 206 if first < len(body) else 416
            extra["Content-Range"] = f"bytes {first}-{len(body) - 1}/{len(body)}"
            body = body[first:]
        self.send_response(status)
        for name, value in extra.items():
            self.send_header(name, value)
        if mirror.says_length:
            self.send_header("Content-Length", str(len(body)))
        if mirror.etag is not None:
            self.send_header("ETag", mirror.etag)
        self.end_headers()
        end = mirror.breaks_after.pop(0) if mirror.breaks_after else len(body)
        self.wfile.write(body[:end])
        self.close_connection = True

    def _resumes(self) -> bool:
        return self.mirror.obeys_range and "Range" in self.headers and self.headers["If-Range"] == self.mirror.etag

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    told = Mirror()
    handler = type("Handler", (_Handler,), {"mirror": told})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    told.url = f"http://127.0.0.1:{server.server_address[1]}/checkpoints"
    yield told
    server.shutdown()
    server.server_close()
    thread.join(10)


def entry(**changes: Any) -> CatalogueEntry:
    facts: dict[str, Any] = {
        "name": "net",
        "url": "net.tgz",
        "member": MEMBER,
        "archive_sha256": hashlib.sha256(ARCHIVE).hexdigest(),
        "sha256": hashlib.sha256(MODEL).hexdigest(),
        "spec": InputSpec(),
        "dtype": "uint8",
        "normalisation": None,
        "background": True,
        "license": "",
        "note": "",
    }
    return CatalogueEntry(**facts | changes)


def pull(mirror: Mirror, folder: Path, progress: Any = None, limits: FetchLimits = QUICK, **changes: Any) -> Path:
    return fetch(entry(**changes), folder, base_url=mirror.url, progress=progress, limits=limits)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_only_the_model_is_taken_from_the_archive(mirror: Mirror, tmp_path: Path) -> None:
    told: list[tuple[int, int | None]] = []
    folder = tmp_path / "a" / "models"
    path = pull(mirror, folder, lambda done, total: told.append((done, total)))
    assert path == folder / "net.tflite"
    assert path.read_bytes() == MODEL
    assert names(folder) == ["net.tflite"]
    assert names(tmp_path) == ["a"]
    assert told[0] == (0, len(ARCHIVE))
    assert told[-1] == (len(ARCHIVE), len(ARCHIVE))
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert mirror.requests[0]["path"] == "/checkpoints/net.tgz"


def test_an_interrupted_download_is_resumed(mirror: Mirror, tmp_path: Path) -> None:
    mirror.breaks_after = [70_000, 50_000]
    told: list[int] = []
    path = pull(mirror, tmp_path, lambda done, total: told.append(done))
    assert path.read_bytes() == MODEL
    ranges = [request.get("Range") for request in mirror.requests]
    assert ranges[0] is None
    assert all(start is not None and int(start[6:-1]) > 0 for start in ranges[1:])
    assert mirror.requests[1]["If-Range"] == '"one"'
    assert told == sorted(told)


def test_the_next_call_resumes_too(mirror: Mirror, tmp_path: Path) -> None:
    mirror.breaks_after = [90_000]
    with pytest.raises(ModelError, match="bytes are kept; pull again"):
        pull(mirror, tmp_path, limits=FetchLimits(attempts=1))
    assert "net.tflite" not in names(tmp_path)
    assert pull(mirror, tmp_path).read_bytes() == MODEL
    assert mirror.requests[1]["Range"].startswith("bytes=")
    assert names(tmp_path) == ["net.tflite"]


def test_a_server_that_ignores_range_is_read_from_the_beginning(mirror: Mirror, tmp_path: Path) -> None:
    mirror.breaks_after, mirror.obeys_range = [70_000], False
    assert pull(mirror, tmp_path).read_bytes() == MODEL
    assert "Range" in mirror.requests[1]


def test_without_a_validator_nothing_is_resumed(mirror: Mirror, tmp_path: Path) -> None:
    for etag in (None, 'W/"weak"'):
        mirror.breaks_after, mirror.etag = [70_000], etag
        assert pull(mirror, tmp_path).read_bytes() == MODEL
        assert not any("Range" in request for request in mirror.requests)


def test_a_changed_file_is_read_from_the_beginning(mirror: Mirror, tmp_path: Path) -> None:
    mirror.breaks_after, mirror.content = [70_000], bytes(len(ARCHIVE))
    with pytest.raises(ModelError, match="cannot be downloaded"):
        pull(mirror, tmp_path, limits=FetchLimits(attempts=1))
    mirror.content, mirror.etag = ARCHIVE, '"two"'
    assert pull(mirror, tmp_path).read_bytes() == MODEL


def test_a_part_of_another_address_is_not_continued(mirror: Mirror, tmp_path: Path) -> None:
    mirror.breaks_after = [70_000]
    with pytest.raises(ModelError):
        pull(mirror, tmp_path, limits=FetchLimits(attempts=1))
    assert pull(mirror, tmp_path, url="other.tgz").read_bytes() == MODEL
    assert "Range" not in mirror.requests[1]


def test_a_length_that_is_not_told_is_none(mirror: Mirror, tmp_path: Path) -> None:
    mirror.says_length = False
    told: list[int | None] = []
    assert pull(mirror, tmp_path, lambda done, total: told.append(total)).read_bytes() == MODEL
    assert set(told) == {None}


def test_passing_faults_are_tried_again(mirror: Mirror, tmp_path: Path) -> None:
    mirror.statuses = [503, 429]
    assert pull(mirror, tmp_path).read_bytes() == MODEL


def test_attempts_are_bounded(mirror: Mirror, tmp_path: Path) -> None:
    mirror.statuses = [500] * 9
    with pytest.raises(ModelError, match=r"answered 500.*OFFLOAD_MODEL_MIRROR"):
        pull(mirror, tmp_path)
    assert len(mirror.requests) == 3


def test_a_missing_file_is_not_tried_again(mirror: Mirror, tmp_path: Path) -> None:
    mirror.statuses = [404]
    with pytest.raises(ModelError, match="answered 404"):
        pull(mirror, tmp_path)
    assert len(mirror.requests) == 1


def test_a_wrong_checksum_leaves_nothing(mirror: Mirror, tmp_path: Path) -> None:
    mirror.content = archive({MEMBER: b"another model"})
    with pytest.raises(ModelError, match="is not the expected file: its SHA-256 is"):
        pull(mirror, tmp_path)
    assert names(tmp_path) == []
    mirror.content = ARCHIVE
    with pytest.raises(ModelError, match="holds another model"):
        pull(mirror, tmp_path, sha256="0" * 64)
    assert names(tmp_path) == []


def test_an_archive_without_the_model_is_refused(mirror: Mirror, tmp_path: Path) -> None:
    for content, message in ((archive({"other": b"x"}), "does not hold"), (b"no archive", "cannot be unpacked")):
        mirror.content = content
        with pytest.raises(ModelError, match=message):
            pull(mirror, tmp_path, archive_sha256=hashlib.sha256(content).hexdigest())
        assert names(tmp_path) == []


def test_sizes_are_bounded(mirror: Mirror, tmp_path: Path) -> None:
    for says_length in (True, False):
        mirror.says_length = says_length
        with pytest.raises(ModelError, match="so it is wrong"):
            pull(mirror, tmp_path, limits=FetchLimits(max_archive_bytes=100_000))
        assert names(tmp_path) == []
    with pytest.raises(ModelError, match="does not hold"):
        pull(mirror, tmp_path, limits=FetchLimits(max_model_bytes=1000))


def test_the_whole_time_is_bounded(mirror: Mirror, tmp_path: Path) -> None:
    ticks = iter(range(0, 10**6, 10))
    with pytest.raises(ModelError, match="longer than 60 s"):
        fetch(
            entry(),
            tmp_path,
            base_url=mirror.url,
            limits=FetchLimits(total_s=60),
            clock=lambda: next(ticks),
            sleep=lambda seconds: None,
        )


def test_no_connection_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="there is no connection"):
        fetch(entry(), tmp_path, base_url="http://127.0.0.1:9", limits=QUICK)
    assert names(tmp_path) == []


def test_a_folder_that_cannot_be_written_is_one_clear_error(mirror: Mirror, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ModelError, match="cannot be stored"):
        pull(mirror, tmp_path / "file" / "models")


def test_what_is_built_here_is_not_downloaded(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="nothing to download"):
        fetch(CATALOGUE["efficientnet_lite0"], tmp_path)
