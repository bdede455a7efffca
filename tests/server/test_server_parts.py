"""Settings, tokens and the form parser by themselves."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offload_sdk.errors import ConfigurationError
from offload_sdk.wire import encode_image
from server_stub.auth import TokenGuard
from server_stub.form import ImageForm
from server_stub.intake import Intake
from server_stub.problems import RequestError
from server_stub.settings import ServerSettings
from server_stub.tokens import hashed


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", -1),
        ("port", 65536),
        ("workers", 0),
        ("queue_bound", -1),
        ("max_body_bytes", 0),
        ("max_inflight_bytes", 16 * 2**20 - 1),
        ("max_pixels", 0),
        ("max_connections", 0),
        ("body_timeout_s", 0),
        ("drain_s", -1),
        ("host", ""),
        ("tokens", ("",)),
        ("tokens", ("a b",)),
    ],
)
def test_a_wrong_setting_is_named(name, value):
    with pytest.raises(ConfigurationError, match=name.removesuffix("s")):
        ServerSettings(**{name: value})


def test_tokens_do_not_show_in_the_settings_text():
    assert "hush" not in repr(ServerSettings(tokens=("hush",)))


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("localhost", True),
        ("Localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("::1234", False),
        ("127.example.org", False),
        ("localhost.example.org", False),
    ],
)
def test_loopback_addresses(host, loopback):
    assert ServerSettings(host=host).is_loopback is loopback


def test_the_intake_counts_bodies_and_bytes_until_they_leave():
    intake = Intake(max_bodies=2, max_bytes=100)
    first, second = intake.enter(), intake.enter()
    assert intake.enter() is None
    assert first.hold(60)
    assert first.hold(20)  # no more than it has
    assert not second.hold(41)
    assert second.hold(40)
    assert not first.hold(61)
    assert (intake.bodies, intake.held_bytes) == (2, 100)
    first.leave()
    first.leave()
    assert (intake.bodies, intake.held_bytes) == (1, 40)
    assert second.hold(100)
    assert intake.enter() is not None


def test_an_authorization_of_any_bytes_is_judged_not_crashed_on():
    guard = TokenGuard(lambda: (hashed("kitchen", "a"),))
    for value in (None, "", "Bearer", "Bearer \u00ff", "Bearer \udce9", "bearer b"):
        with pytest.raises(RequestError) as refusal:
            guard.check(value)
        assert refusal.value.status == 401
    assert guard.check("Bearer a") == "kitchen"


@given(image=st.binary(min_size=1, max_size=300), sizes=st.lists(st.integers(1, 40), min_size=1))
def test_the_form_is_the_same_however_the_body_is_cut(image, sizes):
    content_type, body = encode_image(image, "image/jpeg", boundary="c0ffee" * 5)
    form = ImageForm(content_type)
    at = 0
    while at < len(body):
        for size in sizes:
            form.feed(body[at : at + size])
            at += size
    assert form.finish() == image


def test_two_images_in_a_form_are_refused_rather_than_one_of_them_chosen():
    form = ImageForm("multipart/form-data; boundary=b")
    part = b'--b\r\nContent-Disposition: form-data; name="image"\r\n\r\none\r\n'
    form.feed(part)
    with pytest.raises(RequestError) as refusal:
        form.feed(part)
    assert (refusal.value.status, refusal.value.code) == (400, "malformed_form")


@given(body=st.binary(max_size=200))
def test_bytes_that_are_no_form_are_400_and_nothing_else(body):
    form = ImageForm("multipart/form-data; boundary=b")
    with pytest.raises(RequestError) as refusal:
        _parse(form, body)
    assert refusal.value.status == 400


def _parse(form: ImageForm, body: bytes) -> bytes:
    form.feed(body)
    return form.finish()


def test_importing_the_settings_loads_no_web_framework():
    code = (
        "import sys, server_stub.options; print({'fastapi', 'starlette', 'uvicorn', 'numpy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "set()"
