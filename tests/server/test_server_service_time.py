"""What is learned of service times, and how far it may be relied on to refuse a request."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server_stub.service_time import ServiceTime


def learned(times: list[tuple[int, float]], every_s: float = 0.1) -> ServiceTime:
    service = ServiceTime()
    for number, (image_bytes, service_s) in enumerate(times):
        service.learn(image_bytes, service_s, number * every_s)
    return service


def noisy(rng: random.Random, mean_s: float = 0.012, sigma: float = 0.2) -> float:
    return mean_s * rng.lognormvariate(-(sigma**2) / 2, sigma)


def test_nothing_is_expected_and_nothing_refused_before_the_first():
    assert ServiceTime().expected_s(15_000) == 0.0
    assert ServiceTime().surely_s(15_000, 0.0) == 0.0
    assert learned([(15_000, 0.5)]).surely_s(15_000, 0.0) == 0.0


def test_the_mean_is_found_among_like_pictures_and_followed_when_it_changes():
    rng = random.Random(1)
    service = learned([(rng.randint(11_000, 20_000), noisy(rng)) for _ in range(200)])
    assert service.expected_s(15_000) == pytest.approx(0.012, rel=0.2)
    assert service.expected_s(11_000) == pytest.approx(service.expected_s(20_000), rel=0.2)
    for number in range(40):
        service.learn(15_000, 0.03, 20 + number)
    assert service.expected_s(15_000) == pytest.approx(0.03, rel=0.05)


def test_large_pictures_are_expected_to_take_longer():
    rng = random.Random(2)
    sizes = [rng.choice([15_000, 300_000, 3_000_000]) for _ in range(300)]
    service = learned([(size, 0.01 + size * 40e-9) for size in sizes])
    for size in (15_000, 300_000, 3_000_000):
        assert service.expected_s(size) == pytest.approx(0.01 + size * 40e-9, rel=0.15)


@pytest.mark.parametrize("sigma", [0.05, 0.2, 0.5])
def test_few_pictures_are_quicker_than_sure_and_hopeless_ones_are_seen(sigma):
    rng = random.Random(3)
    service = learned([(15_000, noisy(rng, sigma=sigma)) for _ in range(50)])
    sure, seen = 0, 0
    for number in range(2000):
        now_s = 5.0 + number * 0.05
        service_s = noisy(rng, sigma=sigma)
        sure += service_s < service.surely_s(15_000, now_s)
        seen += service.surely_s(15_000, now_s) >= 0.012 * 0.25
        service.learn(15_000, service_s, now_s)
    assert sure / 2000 < 0.1  # refused, but would have been in time
    if sigma < 0.5:  # of what varies by half one can hardly be sure
        assert seen / 2000 > 0.95


def test_one_that_learned_too_long_a_time_and_refuses_all_lets_one_through_in_the_end():
    service = learned([(15_000, 1.0)] * 20)
    assert service.surely_s(15_000, 2.0) == pytest.approx(1.0, rel=0.1)
    assert service.surely_s(15_000, 2.0 + 5.0) == pytest.approx(0.5, rel=0.1)
    assert service.surely_s(15_000, 2.0 + 40.0) < 0.012


@given(
    times=st.lists(st.tuples(st.integers(1, 2**24), st.floats(0.0, 100.0)), min_size=1, max_size=50),
    image_bytes=st.integers(0, 2**24),
    age_s=st.floats(0.0, 1e6),
)
def test_what_is_sure_is_within_what_is_expected(times, image_bytes, age_s):
    service = learned(times)
    assert 0.0 <= service.surely_s(image_bytes, len(times) * 0.1 + age_s) <= service.expected_s(image_bytes)
