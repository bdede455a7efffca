"""The wire format: both ends read what the other writes, and hostile bytes give a `RemoteError` or nothing."""

from __future__ import annotations

import asyncio
import json
import math
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from offload_sdk import wire
from offload_sdk._types import Label
from offload_sdk.errors import RemoteError
from offload_sdk.testing._faults import GARBAGE, WRONG_SHAPES

pytestmark = pytest.mark.light

LABELS = (
    Label(name="tabby", probability=0.75, index=281),
    Label(name="crème brûlée «1»", probability=0.2, index=999),
    Label(name="a, b;c", probability=0.0, index=0),
)


def encoded(document: object) -> bytes:
    return json.dumps(document).encode()


# Requests


@given(context=st.builds(
    wire.RequestContext,
    request_id=st.none() | st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=128),
    deadline_s=st.none() | st.floats(-5.0, 86400.0),
    battery_frac=st.none() | st.floats(0.0, 1.0),
    signal_dbm=st.none() | st.floats(-150.0, 20.0),
    top_k=st.integers(1, wire.MAX_TOP_K),
))  # fmt: skip
@settings(deadline=None)
def test_the_headers_say_what_the_context_says(context: wire.RequestContext) -> None:
    headers = wire.request_headers(context)
    for received in (headers, {name.lower(): value for name, value in headers.items()}):
        read = wire.parse_context(received)
        assert (read.request_id, read.top_k) == (context.request_id, context.top_k)
        for sent, got, within in (
            (context.deadline_s, read.deadline_s, 0.0006),
            (context.battery_frac, read.battery_frac, 0.0006),
            (context.signal_dbm, read.signal_dbm, 0.51),
        ):
            assert (sent is None) == (got is None)
            assert sent is None or got == pytest.approx(sent, abs=within)


def test_what_is_unknown_is_not_sent() -> None:
    assert wire.request_headers(wire.RequestContext()) == {}


@given(value=st.text(max_size=40) | st.sampled_from(("nan", "inf", "-inf", "1e400", "", " ", "0x1", "١")))
@settings(deadline=None)
def test_a_hint_that_makes_no_sense_counts_as_absent(value: str) -> None:
    names = (wire.DEADLINE_HEADER, wire.BATTERY_HEADER, wire.SIGNAL_HEADER, wire.TOP_K_HEADER)
    context = wire.parse_context({**dict.fromkeys(map(str.lower, names), value), "offload-request-id": value})
    assert context.deadline_s is None or math.isfinite(context.deadline_s)
    assert context.battery_frac is None or 0.0 <= context.battery_frac <= 1.0
    assert context.signal_dbm is None or -200.0 <= context.signal_dbm <= 50.0
    assert 1 <= context.top_k <= wire.MAX_TOP_K
    assert context.request_id is None or 0 < len(context.request_id) <= 128


@pytest.mark.parametrize("bad", ["", "x" * 129, "two\nlines", "tab\there", "\x00"])
def test_a_request_id_that_could_spoil_a_log_is_dropped(bad: str) -> None:
    assert wire.parse_context({"offload-request-id": bad}).request_id is None


@given(image=st.binary(max_size=3000), media_type=st.sampled_from(("image/jpeg", "image/png")))
@example(image=b"", media_type="image/jpeg")
@example(image=b"--boundary\r\n\r\n--boundary--\r\n", media_type="image/jpeg")
@settings(max_examples=60, deadline=None)
def test_a_multipart_parser_finds_the_image_again(image: bytes, media_type: str) -> None:
    multipart = pytest.importorskip("python_multipart")
    content_type, body = wire.encode_image(image, media_type, boundary="0123456789abcdef" * 2)
    kind, options = multipart.multipart.parse_options_header(content_type)
    assert kind == b"multipart/form-data"
    fields: list[object] = []
    files: list[tuple[bytes, bytes]] = []

    def on_file(file) -> None:
        file.file_object.seek(0)
        files.append((file.field_name, file.file_object.read()))

    parser = multipart.FormParser("multipart/form-data", fields.append, on_file, boundary=options[b"boundary"])
    parser.write(body)
    parser.finalize()
    assert fields == []
    assert files == [(b"image", image)]


def test_the_server_framework_finds_the_image_and_its_type() -> None:
    requests = pytest.importorskip("starlette.requests")
    pytest.importorskip("python_multipart")
    image = bytes(range(256)) * 40
    content_type, body = wire.encode_image(image, "image/jpeg", boundary="f" * 32)

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def fields() -> list[tuple[str, str, bytes]]:
        scope = {"type": "http", "method": "POST", "headers": [(b"content-type", content_type.encode())]}
        form = await requests.Request(scope, receive).form()
        return [(name, field.content_type, await field.read()) for name, field in form.multi_items()]

    assert asyncio.run(fields()) == [("image", "image/jpeg", image)]


# Answers


def test_an_answer_comes_back_as_it_was_sent() -> None:
    body = encoded(wire.answer_body(LABELS, model="m", request_id="r-1"))
    timing = wire.format_server_timing({"queue": 0.0015, "infer": 0.0401})
    answer = wire.parse_answer(body, timing)
    assert answer.labels == LABELS
    assert (answer.model, answer.request_id) == ("m", "r-1")
    assert answer.server_s == pytest.approx({"queue": 0.0015, "infer": 0.0401})


def test_the_labels_come_out_best_first_whatever_their_order() -> None:
    body = encoded(wire.answer_body(LABELS[::-1], model="m", request_id="r"))
    assert wire.parse_answer(body).labels == LABELS


def test_a_probability_just_past_one_is_one() -> None:
    entry = {"label": "x", "probability": 1.0000005, "index": 1}
    assert wire.parse_answer(encoded({"predictions": [entry], "model": "m"})).labels[0].probability == 1.0


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from(("predictions", "model", "request_id", "label", "probability", "index", "error")),
        inner,
        max_size=4,
    ),
    max_leaves=20,
)  # fmt: skip
ENTRIES = st.fixed_dictionaries({"label": JSON, "probability": JSON, "index": JSON})


def check_parsed(body: bytes) -> None:
    """Either the contract's error, or an answer that holds what it says."""
    answer, refusal = None, None
    try:
        answer = wire.parse_answer(body, None)
    except RemoteError as error:
        refusal = error
    if answer is None:
        assert refusal is not None
        assert refusal.kind == "protocol"
        assert len(str(refusal)) < 1000
        assert "\n" not in str(refusal)
        return
    assert answer.labels
    for label in answer.labels:
        assert isinstance(label.index, int)
        assert 0.0 <= label.probability <= 1.0
        label.name.encode()  # a log and a terminal can take it
    answer.model.encode()


@given(body=st.binary(max_size=400))
@settings(deadline=None)
def test_random_bytes_are_a_remote_error(body: bytes) -> None:
    check_parsed(body)


@given(document=JSON | st.fixed_dictionaries({"predictions": st.lists(ENTRIES, max_size=3), "model": JSON}))
@settings(max_examples=150, deadline=None)
def test_any_json_is_an_answer_or_a_remote_error(document: object) -> None:
    check_parsed(encoded(document))


@pytest.mark.parametrize(
    "body",
    [
        *WRONG_SHAPES,
        GARBAGE,
        b"",
        b"[" * 100_000,
        b'{"predictions":' * 20_000,
        b"9" * 200_000,
        b'{"predictions": [{"label": "x", "probability": NaN, "index": 1}], "model": "m"}',
        b'{"predictions": [{"label": "x", "probability": -0.1, "index": 1}], "model": "m"}',
        b'{"predictions": [{"label": "x", "probability": 0.5, "index": -1}], "model": "m"}',
        b'{"predictions": [{"label": "\\ud800", "probability": 0.5, "index": 1}], "model": "m"}',
        b'{"predictions": [{"label": "x", "probability": 0.5, "index": 1}], "model": "\\ud800"}',
        b'{"predictions": [{"label": "x", "probability": 0.5, "index": 1}], "model": 7}',
        b'{"predictions": [{"label": ["x"], "probability": 0.5, "index": 1}], "model": "m"}',
    ],
    ids=lambda body: body[:60].decode("latin-1"),
)
def test_an_answer_of_another_shape_is_a_remote_error(body: bytes) -> None:
    with pytest.raises(RemoteError) as caught:
        wire.parse_answer(body)
    assert caught.value.kind == "protocol"


def test_a_refusal_does_not_repeat_a_huge_answer() -> None:
    entry = {"label": "x", "probability": "p" * 200_000, "index": 1}
    with pytest.raises(RemoteError) as caught:
        wire.parse_answer(encoded({"predictions": [entry], "model": "m"}))
    assert len(str(caught.value)) < 1000


@given(body=st.binary(max_size=300) | JSON.map(encoded))
@settings(deadline=None)
def test_any_error_body_gives_a_short_printable_line_or_nothing(body: bytes) -> None:
    message = wire.parse_error_message(body)
    assert message is None or (message.isprintable() and len(message) <= 300)


def test_an_error_body_is_told_in_words() -> None:
    body = encoded(wire.error_body("too_large", "at most 8 MB\nand 64 MP"))
    assert wire.parse_error_message(body) == "too_large: at most 8 MB and 64 MP"
    assert len(wire.parse_error_message(encoded(wire.error_body("x", "y" * 5000))) or "") == 300


# Server-Timing, Retry-After


@pytest.mark.parametrize(
    ("value", "steps"),
    [
        (None, {}),
        ("", {}),
        ("queue;dur=2.5, infer;dur=40", {"queue": 0.0025, "infer": 0.040}),
        ('infer;desc="TFLite";dur=40', {"infer": 0.040}),
        ('infer;DUR="40"', {"infer": 0.040}),
        ("cache;desc=hit, infer;dur=1", {"infer": 0.001}),
        ("infer", {}),
        (";dur=3", {}),
        ("infer;dur=", {}),
        ("infer;dur=-1", {}),
        ("infer;dur=nan, queue;dur=inf, decode;dur=1e999", {}),
        ("infer;dur=1e9", {}),
        (",,;;,=", {}),
        ("infer ; dur = 7", {"infer": 0.007}),
    ],
)
def test_odd_server_timings(value: str | None, steps: dict[str, float]) -> None:
    assert wire.parse_server_timing(value) == pytest.approx(steps)


@given(steps=st.dictionaries(st.sampled_from(("queue", "decode", "infer")), st.floats(0.0, 3600.0)))
@settings(deadline=None)
def test_server_timing_round_trip(steps: dict[str, float]) -> None:
    assert wire.parse_server_timing(wire.format_server_timing(steps)) == pytest.approx(steps, abs=1e-6)


@given(value=st.text(max_size=200))
@settings(deadline=None)
def test_any_server_timing_gives_sane_seconds(value: str) -> None:
    assert all(0.0 <= seconds <= 3600.0 for seconds in wire.parse_server_timing(value).values())


def test_an_endless_server_timing_is_read_in_part_and_at_once() -> None:
    started_s = time.monotonic()
    assert len(wire.parse_server_timing("a;dur=1," * 1_000_000)) == 1
    assert time.monotonic() - started_s < 5.0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        *(("0", 0.0), ("2", 2.0), (" 1.5 ", 1.5)),
        *((bad, None) for bad in ("-1", "nan", "inf", "1e99", "Wed, 21 Oct 2065 07:28:00 GMT", "", None)),
    ],
)
def test_retry_after(value: str | None, seconds: float | None) -> None:
    assert wire.parse_retry_after(value) == seconds
