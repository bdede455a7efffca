"""Break-even: solved where both sides take the same time, and the same law as the SDK's own estimators follow."""

from __future__ import annotations

from dataclasses import replace

import pytest
from report_kit import experiment, imported

from offload_sdk._profile import reference_profile
from offload_sdk._types import ImageInfo, Outcome, Snapshot
from offload_sdk.baseline.report.breakeven import Affine, Board, Cloud
from offload_sdk.baseline.report.breakeven_section import break_even
from offload_sdk.baseline.report.inputs import Inputs, inputs
from offload_sdk.baseline.report.ways import ways_of
from offload_sdk.decide import PayloadChoice
from offload_sdk.estimate import LocalEstimator, Prices, RemoteEstimator
from offload_sdk.estimate.pixels import PixelTime
from offload_sdk.model import InputSpec, payloads_for

SIZE_BYTES = 400_000
MBIT = 1e6 / 8.0


@pytest.fixture(scope="module")
def published() -> Inputs:
    return inputs((), (), None)


def test_the_boards_are_the_published_ones(published: Inputs) -> None:
    assert [board.name.removeprefix("Raspberry Pi ") for board in published.boards] == [
        "Zero 2 W",
        "3B+",
        "4",
        "5",
    ]
    told = " ".join(published.named)
    for figure in ("119 ms", "67.0 ms", "38.0 ms", "9.50 ms", "modelled as one core", "assumed"):
        assert figure in told


@pytest.mark.parametrize("mbps", [0.5, 10.0, 300.0])
def test_at_break_even_both_sides_take_the_same_time(published: Inputs, mbps: float) -> None:
    for cloud in published.clouds:
        for board in published.boards:
            local_s = board.local_s.at(SIZE_BYTES)
            rtt_s = cloud.rtt_s(board, SIZE_BYTES, mbps * MBIT)
            if rtt_s is None:
                assert cloud.seconds(board, SIZE_BYTES, 0.0, mbps * MBIT) >= local_s
            else:
                assert cloud.seconds(board, SIZE_BYTES, rtt_s, mbps * MBIT) == pytest.approx(local_s)
            rate = cloud.bytes_per_s(board, SIZE_BYTES, 0.02)
            if rate is not None:
                assert cloud.seconds(board, SIZE_BYTES, 0.02, rate) <= local_s
                assert cloud.seconds(board, SIZE_BYTES, 0.02, 0.99 * rate) > local_s
            won = cloud.size(board, 0.02, mbps * MBIT)
            for size_bytes in (won.size_bytes * 0.9, won.size_bytes * 1.1):
                wins = cloud.seconds(board, size_bytes, 0.02, mbps * MBIT) < board.local_s.at(size_bytes)
                if 0.0 < size_bytes < 1e12:
                    assert wins == ((size_bytes < won.size_bytes) == (won.side == "below"))


def test_a_slower_board_and_a_faster_link_favour_the_cloud(published: Inputs) -> None:
    for cloud in published.clouds:
        rtts = [cloud.rtt_s(board, SIZE_BYTES, 400.0 * MBIT) or 0.0 for board in published.boards]
        assert rtts == sorted(rtts, reverse=True)
        assert rtts[0] > 0.05
        slowest = published.boards[0]
        by_rate = [cloud.rtt_s(slowest, SIZE_BYTES, mbps * MBIT) or 0.0 for mbps in (0.2, 2.0, 20.0, 200.0)]
        assert by_rate == sorted(by_rate)
        assert by_rate[0] == 0.0


@pytest.mark.parametrize(
    ("local", "server", "side", "size_bytes"),
    [
        (Affine(fixed=0.1), Affine(fixed=0.02, per_byte=1e-6), "below", 30_000.0),
        (Affine(fixed=0.01), Affine(fixed=0.02), "below", 0.0),  # never
        (Affine(fixed=0.1, per_byte=1e-5), Affine(fixed=0.02), "above", 0.0),  # always
        (Affine(fixed=0.01, per_byte=1e-5), Affine(fixed=0.02), "above", 3_333.333),
    ],
)
def test_files_for_which_the_cloud_wins(local: Affine, server: Affine, side: str, size_bytes: float) -> None:
    board = Board(name="board", local_s=local, prepare_s=Affine(fixed=0.0))
    cloud = Cloud(
        payload="original", sent_bytes=lambda s_per_byte: Affine(fixed=0.0, per_byte=1.0), server_s=server
    )
    won = cloud.size(board, 0.02, 1e6)
    assert won.side == side
    assert won.size_bytes == pytest.approx(size_bytes, rel=1e-6)


def test_the_curves_follow_the_sdk_s_own_estimators(published: Inputs) -> None:
    """The estimators, once they have seen what a link and a server take, predict what the law says."""
    board, cloud = published.boards[0], published.clouds[0]
    profile = reference_profile("zero_2_w", model="mobilenet_v3_large")
    image = ImageInfo(format="JPEG", width=1200, height=1000, encoded_bytes=SIZE_BYTES)  # 3 pixels a byte
    snapshot = Snapshot(taken_s=0.0)
    decode = PixelTime(profile.decode_s_per_pixel, base_s=0.0005)
    local = LocalEstimator(profile, decode, cores=4)
    payloads = payloads_for(InputSpec())
    choose = PayloadChoice(payloads, seconds_per_error=3.0)
    remote = RemoteEstimator("cloud", profile, decode, prices=Prices(), payloads=payloads, choose=choose)
    rtt_s, rate = 0.03, 10.0 * MBIT
    pixels = image.pixels
    steps = {
        "decode": 0.0005 + pixels * profile.decode_s_per_pixel["JPEG"],
        "encode": profile.encode_s + pixels * 2e-9,
        "preprocess": profile.preprocess_s + pixels * 2e-9,
        "infer": profile.infer_s,
    }
    sent = cloud.sent_bytes(1.0 / rate).fixed
    server_s = cloud.server_s.fixed
    for number in range(60):
        for option, names in (("local", ("decode", "preprocess", "infer")), ("cloud", ("decode", "encode"))):
            timings = {name: steps[name] for name in names}
            if option == "cloud":
                timings |= {"network": rtt_s + sent / rate, "server": server_s}
            outcome = Outcome(
                option=option,
                path="local" if option == "local" else "remote",
                status="success",
                role="answer",
                started_s=float(number),
                latency_s=sum(timings.values()),
                timings=timings,
                payload=payloads[0] if option == "cloud" else None,
                sent_bytes=round(sent) if option == "cloud" else 0,
            )
            (local if option == "local" else remote).update(outcome, image, snapshot)
    now_s = 60.1
    assert local.estimate(image, snapshot, now_s).latency_mean_s == pytest.approx(
        board.local_s.at(SIZE_BYTES), rel=0.05
    )
    assert remote.estimate(image, snapshot, now_s).latency_mean_s == pytest.approx(
        cloud.seconds(board, SIZE_BYTES, rtt_s, rate), rel=0.1
    )


def test_this_experiment_s_device_and_servers_come_first() -> None:
    summary, measurements = experiment()
    found = inputs(ways_of(summary), measurements, "Raspberry Pi 4 Model B")
    device = found.boards[0]
    assert device.name == "this device, measured"
    assert device.local_s.at(found.size_bytes) == pytest.approx(0.06, rel=0.1)
    assert [cloud.server_s.at(1e5) for cloud in found.clouds] == pytest.approx([0.04, 0.04])
    assert "this experiment's servers" in " ".join(found.named)


def test_the_section_says_that_it_is_modelled_and_from_what() -> None:
    summary = imported()
    section = break_even(summary, inputs(ways_of(summary), (), None))
    assert section.text[0].startswith("Modelled, not measured")
    assert len(section.tables[0].cells) == 4
    assert "never" in section.tables[0].cells[-1]
    assert section.notes


def test_above_the_rate_of_break_even_the_cloud_is_never_slower_again(published: Inputs) -> None:
    """On a slow link a faster one may be given a larger form, and take longer."""
    sdk = published.clouds[0]
    for local_s in (0.3, 0.4, 0.5, 0.6, 0.7):
        board = replace(published.boards[0], local_s=Affine(fixed=local_s))
        found = sdk.bytes_per_s(board, 5e5, 0.02)
        assert found is not None
        rates = [found * 1.01**step for step in range(600)]
        assert max(sdk.seconds(board, 5e5, 0.02, rate) for rate in rates) <= local_s
        assert sdk.seconds(board, 5e5, 0.02, found / 1.002) > local_s
