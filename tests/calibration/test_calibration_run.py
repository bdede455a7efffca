"""`calibrate` as a whole, with the real model: the profile it leaves, what it says meanwhile, what it survives."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from calibration import CalibrationReport, calibrate, synthetic
from offload_sdk._config import OffloadConfig
from offload_sdk._profile import board_name, load_profile, profile_for, read_document
from offload_sdk.errors import ModelError
from offload_sdk.testing import FaultyServer


@pytest.fixture(scope="module")
def run(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[CalibrationReport, list[tuple[str, float]], OffloadConfig]:
    steps: list[tuple[str, float]] = []
    config = OffloadConfig(home=tmp_path_factory.mktemp("home"))
    with FaultyServer() as server:
        report = calibrate(
            config, quick=True, server_url=server.url, progress=lambda step, frac: steps.append((step, frac))
        )
    return report, steps, config


def test_the_profile_is_complete_and_in_place(
    run: tuple[CalibrationReport, list[tuple[str, float]], OffloadConfig],
) -> None:
    report, _, config = run
    assert report.path == config.profile_path
    assert read_document(report.path) == report.document
    document = report.document
    assert document.quick
    assert document.board == board_name()
    assert document.model == "efficientnet_lite0"
    assert document.threads in document.infer
    assert set(document.decode) == {"JPEG", "PNG", "WEBP", "RGB"}
    assert min(timing.samples for timing in document.infer.values()) >= 8
    assert all(0.0005 < timing.median_s < 5.0 for timing in document.infer.values())
    # A JPEG is decoded at reduced scale, a PNG is not: per pixel it must be dearer.
    assert document.decode["JPEG"].s_per_pixel < document.decode["PNG"].s_per_pixel
    assert document.memory_bytes is not None
    assert document.memory_bytes > 20_000_000
    assert document.link is not None
    assert 0.0 < document.link.rtt_s < 1.0
    assert "synthetic" in " ".join(document.notes)


def test_the_profile_is_what_the_estimators_get(
    run: tuple[CalibrationReport, list[tuple[str, float]], OffloadConfig],
) -> None:
    report, _, _ = run
    profile = load_profile(report.path)
    assert profile is not None
    assert profile.measured
    assert profile == profile_for(report.path, "efficientnet_lite0", None)
    assert profile.infer_s == report.document.infer[report.document.threads].median_s


def test_the_report_as_plain_values(
    run: tuple[CalibrationReport, list[tuple[str, float]], OffloadConfig],
) -> None:
    report, _, _ = run
    plain = json.loads(json.dumps(report.to_dict()))
    assert plain["path"] == str(report.path)
    assert plain["infer"][str(plain["threads"])]["samples"] >= 8


def test_progress_goes_from_nothing_to_all(
    run: tuple[CalibrationReport, list[tuple[str, float]], OffloadConfig],
) -> None:
    _, steps, _ = run
    shares = [frac for _, frac in steps]
    assert shares[0] == 0.0
    assert shares[-1] == 1.0
    assert shares == sorted(shares)
    assert any("thread" in step for step, _ in steps)


def test_a_missing_model_leaves_no_profile(tmp_path: Path) -> None:
    config = OffloadConfig(home=tmp_path, model="no_such_model")
    with pytest.raises(ModelError):
        calibrate(config, quick=True)
    assert not config.profile_path.exists()


@pytest.mark.slow
def test_from_the_command_line_with_a_dead_server(tmp_path: Path) -> None:
    """A process of its own, as a user would run it: a profile, a warning instead of a failure, no traceback."""
    with FaultyServer() as server:
        url = server.url
    began_s = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "calibration", "--quick", "--server", url],
        env={**os.environ, "OFFLOAD_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - began_s < 120.0
    document = json.loads(done.stdout)
    assert document["link"] is None
    assert any("link was not measured" in warning for warning in document["warnings"])
    assert "Traceback" not in done.stderr
    assert read_document(tmp_path / "profile.json") is not None


def test_wrong_usage_and_a_failure_have_their_exit_statuses(tmp_path: Path) -> None:
    def status(*arguments: str, **environment: str) -> int:
        return subprocess.run(
            [sys.executable, "-m", "calibration", *arguments],
            env={**os.environ, "OFFLOAD_HOME": str(tmp_path), **environment},
            capture_output=True,
            timeout=120,
            check=False,
        ).returncode

    assert status("--fast") == 2
    assert status("--quick", OFFLOAD_MODEL="no_such_model") == 1


def test_the_synthetic_picture_is_like_a_photograph_to_a_codec() -> None:
    for size in ((640, 480), (801, 599)):
        image = synthetic.picture(*size)
        assert image.size == size
        pixels = size[0] * size[1]
        assert 0.15 <= len(synthetic.encoded(image, "JPEG")) / pixels <= 0.5
        assert 1.2 <= len(synthetic.encoded(image, "PNG")) / pixels <= 2.5
        assert 0.05 <= len(synthetic.encoded(image, "WEBP")) / pixels <= 0.3
    assert synthetic.picture(64, 48).tobytes() == synthetic.picture(64, 48).tobytes()


def test_reading_the_reference_figures_loads_no_benchmark() -> None:
    code = (
        "import sys; from offload_sdk._profile import reference_profile; reference_profile(None); "
        "print([m for m in sys.modules if m.startswith('calibration.') or m in ('numpy', 'requests', 'PIL')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"
