"""The server as a process: its line when ready, signals, exit status, addresses it cannot have."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from server_processes import ready_url

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="SIGTERM is not delivered there")


def begin(threads: ThreadPoolExecutor, process: subprocess.Popen[str], url: str, image: bytes):
    """Send an image and return once its inference has begun."""
    answer = threads.submit(requests.post, f"{url}/analyze", files={"image": image}, timeout=30)
    assert process.stdout.readline() == "entered\n"
    return answer


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_what_is_in_flight_finish_and_the_status_is_0(launch, number):
    process = launch()
    url = ready_url(process)
    with ThreadPoolExecutor(1) as threads:
        answer = begin(threads, process, url, b"1.0")
        process.send_signal(number)
        assert answer.result().status_code == 200
    assert process.wait(20) == 0
    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=5)
    assert process.stderr.read() == ""


def test_an_upload_under_way_at_the_signal_is_still_classified(launch):
    process = launch()
    url = ready_url(process)
    host, port = url.removeprefix("http://").split(":")
    body = b'--b\r\nContent-Disposition: form-data; name="image"\r\n\r\n0.1\r\n--b--\r\n'
    with socket.create_connection((host, int(port)), timeout=20) as peer, ThreadPoolExecutor(1) as threads:
        peer.sendall(
            b"POST /analyze HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n"
            b"Content-Type: multipart/form-data; boundary=b\r\n\r\n" % len(body)
        )
        busy = begin(threads, process, url, b"0.6")  # after this the upload's headers have been read
        process.send_signal(signal.SIGTERM)
        assert busy.result().status_code == 200
        peer.sendall(body)
        assert peer.recv(4096).startswith(b"HTTP/1.1 200 ")
    assert process.wait(20) == 0


def test_what_does_not_finish_in_time_is_answered_503(launch):
    process = launch(drain_s=1)
    url = ready_url(process)
    with ThreadPoolExecutor(2) as threads:
        running = begin(threads, process, url, b"25")
        waiting = threads.submit(requests.post, f"{url}/analyze", files={"image": b"25"}, timeout=30)
        process.send_signal(signal.SIGTERM)
        assert running.result().status_code == 503
        assert running.result().json()["error"]["code"] == "draining"
        assert running.result().headers["Connection"] == "close"
        with contextlib.suppress(requests.ConnectionError):  # it may have come after the port was closed
            assert waiting.result().status_code == 503
    assert process.wait(20) == 0


def test_a_second_signal_ends_it_at_once(launch):
    process = launch(drain_s=60)
    url = ready_url(process)
    with ThreadPoolExecutor(1) as threads:
        answer = begin(threads, process, url, b"25")
        process.send_signal(signal.SIGTERM)
        while requests.get(url, timeout=5).status_code == 200:  # until the first signal has been dealt with
            pass
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == -signal.SIGTERM
        with pytest.raises(requests.ConnectionError):
            answer.result()


def test_a_model_that_cannot_be_loaded_ends_it_with_the_reason(launch):
    process = launch("broken")
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 1
    assert errors == "error: the model is broken; pull it again\n"


def test_a_taken_port_is_one_clear_error(launch):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        _, errors = launch(port=port).communicate(timeout=20)
    assert errors.startswith(f"error: cannot listen on 127.0.0.1:{port}: ")
    assert "--port" in errors
    assert errors.count("\n") == 1


def test_an_open_server_beyond_loopback_warns(launch):
    process = launch(host="0.0.0.0")
    warning = json.loads(process.stderr.readline())
    assert warning["level"] == "warning"
    assert "no token" in warning["message"]
    assert ready_url(process)
    guarded = launch(host="0.0.0.0", tokens=["secret"])
    assert ready_url(guarded)


def test_an_unknown_model_ends_the_module_with_status_1():
    command = [sys.executable, "-m", "server_stub", "--port", "0", "--model", "no-such-model"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert "no-such-model" in done.stderr
    assert "Traceback" not in done.stderr
