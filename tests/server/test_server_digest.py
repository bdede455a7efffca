"""`Content-Digest` at the server: what was changed on the way is refused before anybody decodes it; answers and
errors carry theirs."""

from __future__ import annotations

import base64
import hashlib
import http.client

import pytest
import requests

from offload_sdk.digest import DigestCheck, format_digest, parse_digests
from offload_sdk.wire import encode_image

CONTENT_TYPE, BODY = encode_image(b"picture", "image/jpeg", boundary="b" * 20)
DAMAGED_IMAGE = BODY.replace(b"picture", b"picturf")
DAMAGED_FORM = BODY.replace(b"b--\r\n", b"c--\r\n")


def sha512(body: bytes) -> str:
    return f"sha-512=:{base64.b64encode(hashlib.sha512(body).digest()).decode()}:"


def post(server, body: bytes, *digests: str, path: str = "/analyze", **headers: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection(server.host, server.port, timeout=20)
    connection.putrequest("POST", path)
    for digest in digests:
        connection.putheader("Content-Digest", digest)
    for name, value in {"Content-Type": CONTENT_TYPE, "Content-Length": str(len(body)), **headers}.items():
        connection.putheader(name, value)
    connection.endheaders(body)
    response = connection.getresponse()
    response.body = response.read()  # type: ignore[attr-defined]
    connection.close()
    return response


def is_sealed(headers, body: bytes) -> bool:
    digests = parse_digests(headers["Content-Digest"])
    check = DigestCheck(digests)
    check.update(body)
    return bool(digests) and check.holds


@pytest.mark.parametrize(
    "digests",
    [
        [],
        [""],
        ["md5=:1B2M2Y8AsgTpgAmY7PhCfg==:"],
        [format_digest(BODY)],
        [sha512(BODY)],
        [f"crc32c=:AAAA:, {format_digest(BODY)}"],
        [sha512(BODY), format_digest(BODY)],
    ],
)
def test_what_arrives_as_it_was_sent_is_answered(live_server, digests):
    response = post(live_server, BODY, *digests)
    assert response.status == 200
    assert live_server.model.seen == [b"picture"]


@pytest.mark.parametrize("body", [DAMAGED_IMAGE, DAMAGED_FORM, BODY[:-8], b"", BODY + b"x"])
@pytest.mark.parametrize("seal", [format_digest, sha512])
def test_what_was_changed_on_the_way_is_refused_and_never_decoded(live_server, body, seal):
    response = post(live_server, body, seal(BODY))
    assert (response.status, response.headers["Want-Content-Digest"]) == (400, "sha-256=10")
    assert b'"digest_mismatch"' in response.body
    assert live_server.model.seen == []
    assert live_server.pool.occupancy().in_flight == 0


def test_one_digest_of_two_is_not_enough(live_server):
    assert b'"digest_mismatch"' in post(live_server, BODY, format_digest(BODY), sha512(BODY + b"x")).body


def test_a_form_that_was_sent_malformed_is_told_so(live_server):
    response = post(live_server, DAMAGED_FORM, format_digest(DAMAGED_FORM))
    assert b'"malformed_form"' in response.body


def test_too_large_a_body_is_not_read_to_its_end_for_its_digest(start_server):
    server = start_server(max_body_bytes=10_000)
    body = BODY + b"x" * 20_000
    assert post(server, body, format_digest(BODY)).status == 413


def test_a_body_in_chunks_is_checked_without_their_framing(live_server):
    """The digest is of the content, not of the transfer coding."""
    for content, status in ((BODY, 200), (DAMAGED_IMAGE, 400)):
        pieces = (content[start : start + 7] for start in range(0, len(content), 7))
        headers = {"Content-Type": CONTENT_TYPE, "Content-Digest": format_digest(BODY)}
        response = requests.post(f"{live_server.url}/analyze", data=pieces, headers=headers, timeout=20)
        assert response.status_code == status


@pytest.mark.parametrize(
    "value", ["sha-256", "sha-256=:AAAA:", "sha-256=abc", f"{format_digest(BODY)},", "=:AA==:"]
)
def test_a_malformed_digest_is_told(live_server, value):
    response = post(live_server, BODY, value)
    assert (response.status, response.headers["Want-Content-Digest"]) == (400, "sha-256=10")
    assert b'"digest_malformed"' in response.body
    assert live_server.model.seen == []


def test_a_server_may_ask_for_a_digest(start_server):
    server = start_server(require_digest=True)
    for digests in ([], ["md5=:1B2M2Y8AsgTpgAmY7PhCfg==:"]):
        response = post(server, BODY, *digests)
        assert (response.status, response.headers["Want-Content-Digest"]) == (400, "sha-256=10")
        assert b'"digest_missing"' in response.body
    assert post(server, BODY, format_digest(BODY)).status == 200
    assert requests.get(server.url, timeout=20).status_code == 200  # what has no body has no digest


def test_the_open_inference_protocol_is_checked_likewise(live_server):
    body = (
        b'{"inputs": [{"name": "input", "shape": [1, 2, 4, 3], "datatype": "UINT8", "data": ['
        + b"1," * 23
        + b"1]}]}"
    )
    asked = {"path": "/v2/models/fake/infer", "Content-Type": "application/json"}
    assert post(live_server, body, format_digest(body), **asked).status == 200
    live_server.model.seen.clear()
    refused = post(live_server, body.replace(b"1]", b"2]"), format_digest(body), **asked)
    assert (refused.status, refused.headers["Want-Content-Digest"]) == (400, "sha-256=10")
    assert live_server.model.seen == []


def test_answers_and_errors_carry_their_digest(live_server):
    for response in (
        live_server.analyze(),
        live_server.analyze(b"bad"),
        requests.get(live_server.url, timeout=20),
        requests.get(f"{live_server.url}/v2/models/fake", timeout=20),
        requests.get(f"{live_server.url}/v2/models/other", timeout=20),
        requests.get(f"{live_server.url}/nowhere", timeout=20),
        requests.post(
            f"{live_server.url}/v2/models/fake/infer",
            json={"inputs": [{"name": "input", "shape": [1], "datatype": "BYTES", "data": ["x"]}]},
            timeout=20,
        ),
    ):
        assert is_sealed(response.headers, response.content), response.url
