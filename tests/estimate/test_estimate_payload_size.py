"""How many bytes an upload is expected to take, and which payload the endpoint is then predicted for."""

from __future__ import annotations

from dataclasses import replace

import pytest
from estimator_cases import DRAWING, FRAME, IDLE, PHOTO, PROFILE, ask, decode_times, remote_outcome
from hypothesis import given
from hypothesis import strategies as st

from offload_sdk._types import ImageInfo, Outcome, Payload
from offload_sdk.decide import PayloadChoice
from offload_sdk.estimate import Prices, RemoteEstimator
from offload_sdk.estimate.payload_size import PayloadSize

pytestmark = pytest.mark.light
BEST = Payload(side_px=256, quality=90, expected_bytes=36_000, agreement_frac=0.98)
LESS = Payload(side_px=224, quality=60, expected_bytes=12_000, agreement_frac=0.88)
LEAST = Payload(side_px=192, quality=30, expected_bytes=6_000, agreement_frac=0.78)
LADDER = (BEST, LESS, LEAST)


def jpeg(encoded_bytes: int) -> ImageInfo:
    return ImageInfo(format="JPEG", width=640, height=480, encoded_bytes=encoded_bytes)


def test_the_first_guess_is_a_photograph() -> None:
    size = PayloadSize(LADDER)
    assert size.predict(FRAME) == size.predict(PHOTO) == [payload.expected_bytes for payload in LADDER]
    assert 0.2 < size.variance(FRAME, BEST) ** 0.5 / BEST.expected_bytes < 0.6


def test_pictures_of_much_detail_are_large_in_every_form() -> None:
    """And large ones are not under-predicted because smaller ones went before in another form."""
    size = PayloadSize(LADDER)
    for _ in range(60):
        size.learn(PHOTO, LESS, 2.0 * LESS.expected_bytes)
    for payload, mean_bytes in zip(LADDER, size.predict(DRAWING), strict=True):
        assert mean_bytes == pytest.approx(2.0 * payload.expected_bytes, rel=0.05)
        assert size.variance(DRAWING, payload) ** 0.5 < 0.3 * mean_bytes


def test_a_small_jpeg_has_a_known_size() -> None:
    size = PayloadSize(LADDER)
    assert size.predict(jpeg(10_000)) == [10_000, 10_000, LEAST.expected_bytes]
    assert size.variance(jpeg(10_000), BEST) == 0.0
    assert size.variance(jpeg(10_000), LEAST) > 0.0
    assert size.predict(replace(jpeg(10_000), format="PNG"))[0] == BEST.expected_bytes


def test_what_was_sent_as_it_is_teaches_nothing() -> None:
    size = PayloadSize(LADDER)
    for _ in range(50):
        size.learn(jpeg(3_000), BEST, 3_000)
    assert size.predict(FRAME)[0] == BEST.expected_bytes


def test_few_pixels_take_few_bytes() -> None:
    size = PayloadSize(LADDER)
    sizes = [size.predict(ImageInfo(format="RGB", width=n, height=2 * n))[0] for n in (1, 64, 128, 256, 512)]
    assert sizes[0] > 0
    assert sizes[2] == pytest.approx(BEST.expected_bytes / 4)
    assert sizes[3] == sizes[4] == BEST.expected_bytes
    assert sizes == sorted(sizes)


@given(
    seen=st.lists(
        st.tuples(st.integers(1, 5000), st.sampled_from(LADDER), st.integers(-500, 10_000_000)), max_size=30
    )
)
def test_whatever_it_saw_the_size_stays_in_bounds(seen: list[tuple[int, Payload, int]]) -> None:
    size = PayloadSize(LADDER)
    for side, payload, size_bytes in seen:
        size.learn(ImageInfo(format="RGB", width=side, height=side), payload, size_bytes)
    assert 0.0 <= size.predict(FRAME)[0] <= 5.0 * BEST.expected_bytes
    assert 0.0 <= size.variance(FRAME, BEST) < 1e11


# The endpoint's prediction


def upload(bytes_per_s: float, at_s: float, payload: Payload, ratio: float = 1.0) -> Outcome:
    """An upload on a link of 20 ms and this rate."""
    sent_bytes = round(ratio * payload.expected_bytes) + 500
    network_s = 0.02 + sent_bytes / bytes_per_s
    outcome = remote_outcome(network_s, at_s)
    timings = {"encode": 0.001, "network": network_s, "server": 0.01}
    return replace(outcome, payload=payload, sent_bytes=sent_bytes, timings=timings)


def taught(bytes_per_s: float, ratio: float = 1.0) -> tuple[RemoteEstimator, float]:
    """An estimator whose uploads all went over this link, each as it was predicted for; and the time after."""
    choose = PayloadChoice(LADDER, seconds_per_error=3.0)
    estimator = RemoteEstimator("edge", PROFILE, decode_times(), prices=Prices(), payloads=LADDER, choose=choose)
    now_s = 0.0
    for _ in range(25):
        now_s += 0.5
        payload = ask(estimator, now_s, FRAME).payload
        assert payload is not None
        outcome = upload(bytes_per_s, now_s, payload, ratio)
        now_s += outcome.latency_s
        estimator.update(outcome, FRAME, IDLE)
    return estimator, now_s


@pytest.mark.parametrize(("bytes_per_s", "expected"), [(5e6, BEST), (1e6, BEST), (30e3, LESS), (8e3, LEAST)])
def test_the_link_decides_the_payload(bytes_per_s: float, expected: Payload) -> None:
    estimator, now_s = taught(bytes_per_s)
    estimate = ask(estimator, now_s, FRAME)
    assert estimate.payload == expected
    assert estimate.payload_bytes == pytest.approx(expected.expected_bytes + 500, rel=0.02)
    assert estimate.parts_s["network"] == pytest.approx(0.02 + estimate.payload_bytes / bytes_per_s, rel=0.2)


def test_large_pictures_step_down_earlier() -> None:
    estimator, now_s = taught(200e3, ratio=3.0)
    assert ask(estimator, now_s, FRAME).payload == LESS
    assert ask(taught(200e3)[0], now_s, FRAME).payload == BEST


def test_an_unsure_size_makes_the_time_unsure() -> None:
    estimator, now_s = taught(30e3)
    known, unsure = ask(estimator, now_s, jpeg(LESS.expected_bytes)), ask(estimator, now_s, FRAME)
    assert known.payload_bytes == pytest.approx(unsure.payload_bytes, rel=0.01)
    assert unsure.latency.sd_s > known.latency.sd_s


TENSOR = Payload(side_px=224, quality=None, expected_bytes=527_000, agreement_frac=1.0)


@pytest.mark.parametrize("image", [PHOTO, FRAME, DRAWING, jpeg(2000), ImageInfo(format="PNG", width=9, height=9)])
def test_a_tensor_takes_the_same_for_every_picture(image: ImageInfo) -> None:
    size = PayloadSize((TENSOR,))
    assert size.predict(image) == [TENSOR.expected_bytes]
    assert 0.0 < size.variance(image, TENSOR) ** 0.5 < 0.1 * TENSOR.expected_bytes


def test_an_endpoint_that_takes_tensors_is_expected_to_get_them() -> None:
    """A ping tells, before any picture was sent; the ladder and the price of a label have no say any more."""
    estimator, now_s = taught(8e3)
    ping = replace(remote_outcome(0.1, now_s), role="probe", payload=TENSOR, sent_bytes=150)
    estimator.update(ping, None, IDLE)
    for image in (FRAME, jpeg(2000)):
        estimate = ask(estimator, now_s, image)
        assert estimate.payload == TENSOR
        assert estimate.payload_bytes == pytest.approx(TENSOR.expected_bytes, rel=0.01)
