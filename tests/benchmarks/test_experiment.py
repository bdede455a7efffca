"""The comparison with the prototype: its arithmetic, its clients over a link, and a small run with everything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.experiment.clients import Prototype, sdk_device
from benchmarks.experiment.compare import compare
from benchmarks.experiment.device import MODEL, DeviceSpec
from benchmarks.experiment.figures import best_remote_s, parts, sides
from benchmarks.experiment.links import Link
from benchmarks.experiment.rig import AUTO, PROTOTYPE, REMOTE
from benchmarks.experiment.table import parts_lines, sides_lines
from offload_sdk.baseline.images import ImageFile, find_images
from offload_sdk.baseline.measurement import Measurement
from offload_sdk.model import PictureLimits, resolve
from offload_sdk.testing import FaultyServer
from offload_sdk.workload import WorkloadSpec, write_workload

LINK = Link(rate_mbps=10.0, rtt_ms=50.0)
_ROOT = Path(__file__).resolve().parents[2]


def measured(target: str, image: int, latency_s: float, sent_bytes: int = 0, **more: object) -> Measurement:
    return Measurement(
        run=1,
        image=f"{image}.jpg",
        target=target,
        payload="sdk",
        position=image,
        began_wall_s=0.0,
        latency_s=latency_s,
        image_bytes=1,
        sent_bytes=sent_bytes,
        **more,  # type: ignore[arg-type]
    )


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> tuple[ImageFile, ...]:
    pytest.importorskip("skimage")
    folder = tmp_path_factory.mktemp("images") / "workload"
    write_workload(folder, WorkloadSpec(images=3, smallest_bytes=60_000, largest_bytes=150_000))
    return find_images([folder], PictureLimits()).images


@pytest.fixture
def server() -> Iterator[FaultyServer]:
    with FaultyServer() as running:
        yield running


def test_the_ratio_is_that_of_the_means_of_the_same_images() -> None:
    found = [measured("prototype", n, 1.0 + n) for n in range(20)]
    found += [measured("sdk", n, 0.1 * (1.0 + n)) for n in range(20)]
    theirs, own = sides(found, "prototype")
    assert (theirs.name, theirs.ratio) == ("prototype", 1.0)
    assert own.ratio == pytest.approx(10.0)
    assert own.low == pytest.approx(10.0)  # every image has the same ratio, so no draw of images changes it
    assert own.high == pytest.approx(10.0)
    assert "10.0" in sides_lines([theirs, own])[2]


def test_what_one_of_both_did_not_answer_does_not_count() -> None:
    found = [measured("prototype", n, 1.0) for n in range(4)] + [measured("sdk", n, 0.5) for n in range(3)]
    found.append(measured("sdk", 3, 60.0, failure="failed"))
    found.append(measured("sdk", 4, 60.0))  # and then the run was stopped
    own = sides(found, "prototype")[1]
    assert (own.images, own.failures, own.ratio) == (3, 1, pytest.approx(2.0))


def test_spread_over_images_widens_the_interval() -> None:
    found = [measured("prototype", n, 1.0 + 9.0 * (n % 2)) for n in range(40)]
    found += [measured("sdk", n, 0.5) for n in range(40)]
    own = sides(found, "prototype")[1]
    assert own.low < own.ratio - 1.0 < own.ratio + 1.0 < own.high


def test_the_parts_add_up_to_the_mean() -> None:
    split = parts([measured("a", n, 1.0, 500_000) for n in range(3)], LINK, connects=True)
    assert split.transfer_s == pytest.approx(0.4)
    assert (split.connection_s, split.round_trip_s, split.server_s) == (0.05, 0.05, None)
    assert split.rest_s == pytest.approx(0.5)
    own = parts([measured("b", n, 0.2, 25_000, server_s=0.02) for n in range(3)], LINK, connects=False)
    assert own.rest_s == pytest.approx(0.2 - 0.02 - 0.05 - 0.02)
    assert best_remote_s(own) == pytest.approx(0.07)
    assert "400.0" in parts_lines(split, own)[1]


def test_the_prototype_opens_a_connection_for_each_image_and_sends_the_file(
    images: tuple[ImageFile, ...], server: FaultyServer
) -> None:
    link = Link(rate_mbps=100.0, rtt_ms=20.0).open_to(server.port)
    with link:
        client = Prototype("prototype", link)
        readings = [client.run(image, "original") for image in images]
        assert link.connections == len(images)
    for image, reading in zip(images, readings, strict=True):
        assert reading.outcome is not None
        assert image.size_bytes < reading.outcome.sent_bytes < image.size_bytes + 1_000
        assert reading.latency_s >= 0.04 + Link(rate_mbps=100.0, rtt_ms=20.0).transfer_s(image.size_bytes)


def test_a_failure_of_the_prototype_is_a_reading(images: tuple[ImageFile, ...], server: FaultyServer) -> None:
    server.fail("http_503")
    with LINK.open_to(server.port) as link:
        assert Prototype("prototype", link).run(images[0], "original").failure == "failed"


def test_the_sdk_keeps_its_connection_and_sends_less(
    images: tuple[ImageFile, ...], server: FaultyServer, tmp_path: Path
) -> None:
    resolve(MODEL, tmp_path / "models")
    with LINK.open_to(server.port) as link:
        spec = DeviceSpec(name="sdk", policy="remote", url=link.url, home=tmp_path, log=tmp_path / "log.sqlite3")
        with sdk_device(spec, link) as device:
            readings = [device.run(image, "sdk") for image in images]
        assert link.connections < len(images) + 3
    for image, reading in zip(images, readings, strict=True):
        assert reading.failure is None
        assert reading.outcome is not None
        assert reading.outcome.path == "remote"
        assert 0 < reading.outcome.sent_bytes < image.size_bytes


def test_a_recorded_link_is_played(shared_data: Path, server: FaultyServer, images: tuple[ImageFile, ...]) -> None:
    link = Link(rate_mbps=1.0, rtt_ms=1.0, trace=shared_data / "traces" / "lte_mecperf-edge-noise10M.csv")
    with link.open_to(server.port) as emulated:
        assert Prototype("prototype", emulated).run(images[0], "original").latency_s > 0.07
        assert emulated.sample().rtt_ms > 30.0
    assert "lte_mecperf" in str(link)


@pytest.mark.slow
def test_a_small_run(images: tuple[ImageFile, ...]) -> None:
    if not (_ROOT / ".venv-keras" / "bin" / "python").exists():
        pytest.skip("needs Flask and Keras: make .venv-keras/.installed")
    steps: list[str] = []
    found = compare(images, Link(rate_mbps=50.0, rtt_ms=20.0), 0, slow=False, tell=steps.append)
    lines = {side.name: side for side in sides(found, PROTOTYPE)}
    assert set(lines) == {PROTOTYPE, REMOTE, AUTO}
    assert all(side.images == len(images) and not side.failures for side in lines.values())
    assert lines[REMOTE].sent_bytes < lines[PROTOTYPE].sent_bytes
    assert steps[0] == "starting Flask + Keras"
