"""The order of the measurements: drawn by chance, the same every time, fair to every target."""

from __future__ import annotations

from collections import Counter
from itertools import groupby

from hypothesis import given
from hypothesis import strategies as st

from offload_sdk.baseline.order import Way, order

WAYS = (Way("local", "sdk"), Way("a", "sdk"), Way("a", "original"))
names = st.sets(st.text(min_size=1, max_size=8).filter(lambda name: name.isprintable()), min_size=1, max_size=12)
ways = st.sets(st.sampled_from((*WAYS, Way("b", "sdk"))), min_size=1)


@given(names, ways, st.integers(1, 5), st.integers())
def test_every_image_goes_every_way_once(images: set[str], chosen: set[Way], run: int, seed: int) -> None:
    keys = order(run, images, chosen, seed)
    assert sorted(keys) == sorted((run, image, *way) for image in images for way in chosen)
    assert keys == order(run, sorted(images, reverse=True), sorted(chosen), seed)


@given(names, ways, st.integers())
def test_the_ways_of_an_image_follow_each_other(images: set[str], chosen: set[Way], seed: int) -> None:
    blocks = [image for image, _ in groupby(order(1, images, chosen, seed), key=lambda key: key.image)]
    assert len(blocks) == len(images)


@given(names, ways, st.integers())
def test_what_is_added_leaves_the_order_of_the_rest(images: set[str], chosen: set[Way], seed: int) -> None:
    more = order(1, images | {"another.jpg"}, chosen | {Way("new", "sdk")}, seed)
    kept = [key for key in more if key.image in images and (key.target, key.payload) in chosen]
    assert kept == order(1, images, chosen, seed)


def test_repetitions_and_seeds_have_orders_of_their_own() -> None:
    images = [f"{number}.jpg" for number in range(20)]
    orders = {
        tuple(key.image for key in order(run, images, WAYS, seed)) for run in range(1, 4) for seed in range(3)
    }
    assert len(orders) == 9


def test_no_way_is_favoured() -> None:
    """Of 3,000 images each of three ways comes first for a third: 1,000, with a standard deviation of 26."""
    keys = order(1, [f"{number}.jpg" for number in range(3000)], WAYS, 0)
    first = Counter((key.target, key.payload) for key in keys[::3])
    assert all(850 < count < 1150 for count in first.values())
    assert len(first) == 3
