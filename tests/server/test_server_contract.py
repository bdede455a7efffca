"""The HTTP contract over a real connection: answers, errors, headers."""

from __future__ import annotations

import http.client
import json
import logging
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from offload_sdk._version import __version__
from offload_sdk.wire import encode_image, parse_answer, parse_server_timing
from server_stub.logs import JsonLines, logger


def test_health_names_the_model_and_the_version(live_server):
    response = requests.get(live_server.url, timeout=10)
    assert response.status_code == 200
    assert response.json() == {"status": "ok", "model_loaded": True, "model": "fake", "version": __version__}
    assert response.headers["Offload-Request-Id"]
    assert requests.head(live_server.url, timeout=10).status_code == 200


def test_health_and_analyze_are_503_while_the_model_loads(start_server, error_code):
    server = start_server(load=False)
    health = requests.get(server.url, timeout=10)
    assert health.status_code == 503
    assert health.json()["status"] == "loading"
    assert health.json()["model_loaded"] is False
    refused = server.analyze()
    assert refused.status_code == 503
    assert error_code(refused) == "loading"
    assert int(refused.headers["Retry-After"]) >= 1
    server.model.may_load.set()
    server.until(lambda: requests.get(server.url, timeout=10).status_code == 200)
    assert server.analyze().status_code == 200


def test_an_answer_has_three_predictions_and_the_timing(live_server):
    response = live_server.analyze(headers={"Offload-Request-Id": "abc-1"})
    assert response.status_code == 200
    assert response.headers["Offload-Request-Id"] == "abc-1"
    answer = parse_answer(response.content, response.headers["Server-Timing"])
    assert [label.index for label in answer.labels] == [0, 1, 2]
    assert (answer.model, answer.request_id) == ("fake", "abc-1")
    steps_s = parse_server_timing(response.headers["Server-Timing"])
    assert list(steps_s) == ["queue", "decode", "infer"]
    assert steps_s["decode"] == pytest.approx(0.002)
    assert steps_s["infer"] == pytest.approx(0.005)
    assert 0 <= steps_s["queue"] <= response.elapsed.total_seconds()


def test_queue_time_is_reported(start_server):
    server = start_server(workers=1)
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(server.analyze, b"wait")
        assert server.model.entered.acquire(timeout=10)
        second = threads.submit(server.analyze)
        server.until(lambda: len(server.pool._waiting) == 1)
        time.sleep(0.05)
        server.model.gate.set()
        assert first.result().status_code == 200
        queue_s = parse_server_timing(second.result().headers["Server-Timing"])["queue"]
        assert 0.05 - 0.007 <= queue_s <= second.result().elapsed.total_seconds()


def test_an_id_is_made_up_for_each_request_without_one(live_server):
    ids = {live_server.analyze().json()["request_id"] for _ in range(3)}
    assert len(ids) == 3
    assert all(ids)


@pytest.mark.parametrize(("top_k", "count"), [("1", 1), ("5", 5), ("100", 10), ("nonsense", 3), ("0", 3)])
def test_top_k(live_server, top_k, count):
    response = live_server.analyze(headers={"Offload-Top-K": top_k})
    assert len(response.json()["predictions"]) == count


def test_further_fields_are_passed_over(live_server):
    response = requests.post(
        f"{live_server.url}/analyze",
        data={"device": "kitchen", "note": "x" * 5000},
        files={"other": b"other file", "image": ("a.jpg", b"the image", "image/jpeg")},
        timeout=10,
    )
    assert response.status_code == 200
    assert live_server.model.seen == [b"the image"]


@pytest.mark.parametrize("size_bytes", [1, 15_000, 3_000_000])
def test_the_image_arrives_byte_by_byte_as_sent(live_server, size_bytes):
    image = bytes(range(256)) * (size_bytes // 256) + b"\r\n--" * 3 + b"z"
    assert live_server.analyze(image).status_code == 200
    assert live_server.model.seen == [image]


def test_a_form_without_the_field_is_400(live_server, error_code):
    response = requests.post(f"{live_server.url}/analyze", files={"picture": b"x"}, timeout=10)
    assert (response.status_code, error_code(response)) == (400, "no_image")


def test_an_empty_image_is_400(live_server, error_code):
    response = live_server.analyze(b"")
    assert (response.status_code, error_code(response)) == (400, "no_image")


def test_an_undecodable_image_is_400_with_the_reason(live_server, error_code):
    response = live_server.analyze(b"bad")
    assert (response.status_code, error_code(response)) == (400, "invalid_image")
    assert response.json()["error"]["message"] == "The data is not an image."


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=", b"x"),
        ("multipart/form-data; boundary=b", b""),
        ("multipart/form-data; boundary=b", b"not a form"),
        ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="image"\r\n\r\nhalf'),
        ("multipart/form-data; boundary=b", b"--b\r\nbroken header\r\n\r\nx\r\n--b--\r\n"),
        ("multipart/form-data; boundary=" + "b" * 400, b"x"),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n' * 40 + b"--b--\r\n",
        ),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="image"; filename="'
            + b"f" * 9000
            + b'"\r\n\r\nx\r\n--b--\r\n',
        ),
    ],
)
def test_a_malformed_form_is_400(live_server, content_type, body, error_code):
    response = requests.post(
        f"{live_server.url}/analyze", data=body, headers={"Content-Type": content_type}, timeout=10
    )
    assert (response.status_code, error_code(response)) == (400, "malformed_form")
    assert live_server.model.seen == []


def test_a_form_without_a_content_disposition_has_no_image(live_server, error_code):
    response = requests.post(
        f"{live_server.url}/analyze",
        data=b"--b\r\nContent-Type: image/jpeg\r\n\r\nx\r\n--b--\r\n",
        headers={"Content-Type": "multipart/form-data; boundary=b"},
        timeout=10,
    )
    assert (response.status_code, error_code(response)) == (400, "no_image")


@pytest.mark.parametrize("headers", [{}, {"Content-Type": "image/jpeg"}, {"Content-Type": "application/json"}])
def test_a_body_that_is_no_form_is_415(live_server, headers, error_code):
    response = requests.post(f"{live_server.url}/analyze", data=b"{}", headers=headers, timeout=10)
    assert (response.status_code, error_code(response)) == (415, "unsupported_media_type")


def test_a_compressed_body_is_415(live_server, error_code):
    response = live_server.analyze(headers={"Content-Encoding": "gzip"})
    assert (response.status_code, error_code(response)) == (415, "unsupported_media_type")


def test_unknown_paths_and_methods_have_the_shape_too(live_server, error_code):
    missing = requests.get(f"{live_server.url}/nothing", timeout=10)
    assert (missing.status_code, error_code(missing)) == (404, "not_found")
    wrong = requests.get(f"{live_server.url}/analyze", timeout=10)
    assert (wrong.status_code, error_code(wrong)) == (405, "method_not_allowed")
    assert wrong.headers["Allow"] == "POST"


def test_a_bug_is_500_without_its_details_and_the_server_lives(live_server, error_code):
    response = live_server.analyze(b"crash")
    assert (response.status_code, error_code(response)) == (500, "internal")
    assert "secret" not in response.text
    assert live_server.analyze().status_code == 200


def test_errors_are_logged_once_as_json_without_secrets(live_server):
    lines: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(JsonLines().format(record))

    handler = Keep()
    logger.addHandler(handler)
    try:
        live_server.analyze(b"crash", headers={"Offload-Request-Id": "r-1", "Authorization": "Bearer hidden"})
        live_server.until(lambda: bool(lines))
    finally:
        logger.removeHandler(handler)
    assert len(lines) == 1
    line = json.loads(lines[0])
    assert (line["status"], line["code"], line["request_id"]) == (500, "internal", "r-1")
    assert "secret detail" in line["traceback"]
    assert "hidden" not in lines[0]


def test_twenty_at_once_are_all_answered_each_with_its_own(start_server):
    server = start_server(queue_bound=64)

    def ask(number: int) -> str:
        for _ in range(100):  # on a busy machine the queue stands, and some are asked to come again
            response = server.analyze(f"picture {number}".encode(), headers={"Offload-Request-Id": f"id-{number}"})
            if response.status_code != 503:
                break
            time.sleep(0.05)
        assert response.status_code == 200
        return response.json()["request_id"]

    with ThreadPoolExecutor(20) as threads:
        assert list(threads.map(ask, range(60))) == [f"id-{number}" for number in range(60)]
    assert sorted(server.model.seen) == sorted(f"picture {number}".encode() for number in range(60))
    assert all(name.startswith("offload-worker-") for name in server.model.threads)


def test_one_connection_serves_many_requests_errors_included(live_server):
    connection = http.client.HTTPConnection(live_server.host, live_server.port, timeout=10)
    connection.connect()
    first = connection.sock
    statuses = []
    for path, image in [("/analyze", b"one"), ("/analyze", b"bad"), ("/analyze", b"crash"), ("/x", b"x" * 5000)]:
        content_type, body = encode_image(image, "image/jpeg", boundary="0123456789abcdef")
        connection.request("POST", path, body, {"Content-Type": content_type})
        response = connection.getresponse()
        response.read()
        statuses.append(response.status)
    assert statuses == [200, 400, 500, 404]
    assert connection.sock is first
    connection.close()


def test_openapi_describes_the_upload_and_the_errors(live_server):
    document = requests.get(f"{live_server.url}/openapi.json", timeout=10).json()
    operation = document["paths"]["/analyze"]["post"]
    form = operation["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert form["properties"]["image"] == {"type": "string", "format": "binary"}
    assert {"200", "400", "401", "413", "415", "503", "504"} <= set(operation["responses"])
    error = operation["responses"]["503"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    assert "error" in document["components"]["schemas"][error]["properties"]
    assert "422" not in operation["responses"]
    names = {parameter["name"] for parameter in operation["parameters"]}
    assert {"Offload-Deadline", "Offload-Battery", "Offload-Signal", "Offload-Request-Id"} <= names
    assert requests.get(f"{live_server.url}/docs", timeout=10).status_code == 200


def test_cors_is_closed_unless_configured(live_server, start_server):
    origin = {"Origin": "https://app.example"}
    assert "Access-Control-Allow-Origin" not in requests.get(live_server.url, headers=origin, timeout=10).headers
    server = start_server(cors_origins=("https://app.example",))
    allowed = requests.get(server.url, headers=origin, timeout=10)
    assert allowed.headers["Access-Control-Allow-Origin"] == "https://app.example"
    other = requests.get(server.url, headers={"Origin": "https://evil.example"}, timeout=10)
    assert "Access-Control-Allow-Origin" not in other.headers


def test_a_preflight_is_refused_as_everything_is(start_server, error_code):
    server = start_server(cors_origins=("https://app.example",))
    for origin, method, status in (
        ("https://app.example", "POST", 200),
        ("https://app.example", "DELETE", 400),
        ("https://evil.example", "POST", 400),
    ):
        headers = {"Origin": origin, "Access-Control-Request-Method": method}
        response = requests.options(f"{server.url}/analyze", headers=headers, timeout=10)
        assert response.status_code == status
        assert ("Access-Control-Allow-Origin" in response.headers) == (origin == "https://app.example")
        if status == 400:
            assert error_code(response) == "cors_refused"


def test_a_draining_server_says_so(start_server, error_code):
    server = start_server()
    server.pool.drain()
    health = requests.get(server.url, timeout=10)
    assert (health.status_code, health.json()["status"]) == (503, "draining")
    assert health.json()["model_loaded"] is True
    refused = server.analyze()
    assert (refused.status_code, error_code(refused)) == (503, "draining")
    assert int(refused.headers["Retry-After"]) >= 1
