"""The profile file and the reference figures: round trip, damage, choice by board, model and threads."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from offload_sdk._profile import (
    DecodeTiming,
    LinkTiming,
    ProfileDocument,
    Timing,
    board_name,
    load_profile,
    profile_for,
    read_document,
    reference_document,
    reference_names,
    reference_profile,
    save_profile,
)
from offload_sdk.errors import ConfigurationError

pytestmark = pytest.mark.light

PI_4 = "Raspberry Pi 4 Model B Rev 1.5"


def timing(median_s: float, sd_s: float = 0.001) -> Timing:
    return Timing(samples=20, median_s=median_s, p90_s=median_s * 1.2, sd_s=sd_s)


def document(**changes: Any) -> ProfileDocument:
    values: dict[str, Any] = {
        "created_wall_s": 1_700_000_000.0,
        "sdk_version": "0.1",
        "quick": False,
        "board": PI_4,
        "cores": 4,
        "governor": "ondemand",
        "runtime": "ai-edge-litert",
        "runtime_version": "2.0",
        "python": "3.11.2",
        "model": "mobilenet_v3_large",
        "model_sha256": "0" * 64,
        "threads": 4,
        "infer": {1: timing(0.090), 2: timing(0.050), 4: timing(0.040, 0.002)},
        "preprocess": timing(0.006),
        "encode": timing(0.002),
        "decode": {
            "JPEG": DecodeTiming(s_per_pixel=1e-8, samples=9, sizes_pixels=(300_000, 2_000_000)),
            "PNG": DecodeTiming(s_per_pixel=1e-7, samples=9, sizes_pixels=(300_000, 2_000_000)),
        },
        "memory_bytes": 90_000_000,
        "temperature_before_c": 51.0,
        "temperature_after_c": 60.0,
        "throttled": False,
        "link": LinkTiming(
            url="http://edge:8000", rtt_s=0.02, rtt_samples=9, uplink_bytes_per_s=1e6, upload_samples=3
        ),
        "warnings": ("noisy",),
    }
    return ProfileDocument(**(values | changes))


def test_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "profile.json"
    save_profile(path, document())
    assert read_document(path) == document()
    profile = load_profile(path)
    assert profile is not None
    assert profile.measured
    assert (profile.threads, profile.infer_s, profile.infer_sd_s) == (4, 0.040, 0.002)
    assert (profile.preprocess_s, profile.encode_s) == (0.006, 0.002)
    assert (profile.rtt_s, profile.uplink_bytes_per_s) == (0.02, 1e6)
    # Any other format is taken for the slowest that was measured; pixels in memory cost nothing to decode.
    assert profile.decode_s_per_pixel == {"": 1e-7, "RGB": 0.0, "JPEG": 1e-8, "PNG": 1e-7}
    # Power cannot be measured by calibrating: it is the board's reference, and called modelled.
    assert profile.cpu_active_w == reference_profile(PI_4).cpu_active_w
    assert profile.cpu_power_source == "modelled"


def test_saving_replaces_and_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "profile.json"
    save_profile(path, document())
    save_profile(path, document(threads=2))
    assert [entry.name for entry in tmp_path.iterdir()] == ["profile.json"]
    profile = load_profile(path)
    assert profile is not None
    assert profile.threads == 2


def test_saving_where_it_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file, not a folder")
    with pytest.raises(ConfigurationError, match="OFFLOAD_HOME"):
        save_profile(tmp_path / "home" / "profile.json", document())


def test_no_file_is_no_profile(tmp_path: Path) -> None:
    assert load_profile(tmp_path / "profile.json") is None
    assert read_document(tmp_path / "profile.json") is None


def damaged() -> Iterator[tuple[str, bytes]]:
    whole = document().model_dump_json().encode()
    fields = json.loads(whole)

    def changed(**changes: Any) -> bytes:
        return json.dumps(fields | changes).encode()

    yield "empty", b""
    yield "cut off", whole[: len(whole) // 2]
    yield "binary", b"\xff\x00\x80" * 50
    yield "another thing", b"[1, 2, 3]"
    yield "a later version", changed(schema_version=2)
    yield "no inference", changed(infer={})
    yield "threads without a time", changed(threads=3)
    yield "no decoding", changed(decode={})
    yield "negative", changed(preprocess={"samples": 3, "median_s": -1.0, "p90_s": 1.0, "sd_s": 0.0})
    yield "not a number", whole.replace(b'"median_s":0.006', b'"median_s":NaN')
    yield "unknown field", changed(surprise=1)


@pytest.mark.parametrize(
    ("name", "content"), list(damaged()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_damaged_file_says_to_calibrate_again(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / "profile.json"
    path.write_bytes(content)
    for read in (load_profile, read_document):
        with pytest.raises(ConfigurationError, match="offload-sdk calibrate") as caught:
            read(path)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_folder_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "profile.json").mkdir()
    with pytest.raises(ConfigurationError, match="offload-sdk calibrate"):
        load_profile(tmp_path / "profile.json")


@pytest.mark.parametrize(
    ("board", "expected"),
    [
        (PI_4, "Raspberry Pi 4"),
        ("Raspberry Pi 3 Model B Plus Rev 1.3", "Raspberry Pi 3B+"),
        ("Raspberry Pi Zero 2 W Rev 1.0", "Raspberry Pi Zero 2 W"),
        ("Raspberry Pi 5 Model B Rev 1.0", "Raspberry Pi 5"),
        ("Raspberry Pi Compute Module 4 Rev 1.0", "Raspberry Pi 4"),
        ("x86_64, Some(R) Processor @ 2.40GHz", "x86-64 computer"),
        ("pi_5", "Raspberry Pi 5"),
        ("Radxa ROCK 5B", "unknown board"),
        ("", "unknown board"),
        (None, "unknown board"),
    ],
)
def test_reference_by_board(board: str | None, expected: str) -> None:
    profile = reference_profile(board)
    assert profile.board == expected
    assert not profile.measured


@pytest.mark.parametrize("name", reference_names())
def test_every_reference_validates_and_every_number_has_its_source(name: str) -> None:
    reference = reference_document(name)
    profile = reference_profile(name)
    assert profile.infer_s > 0.0
    assert profile.infer_sd_s > 0.0
    assert profile.decode_s_per_pixel[""] > 0.0
    assert {"JPEG", "PNG", "WEBP", "RGB"} <= profile.decode_s_per_pixel.keys()
    assert {"mobilenet_v3_large", "mobilenet_v3_small", "efficientnet_lite0"} <= reference.infer_s.keys()
    assert all(reference.threads in times for times in reference.infer_s.values())

    plain = {"schema_version", "threads"}

    def check(where: str, value: Any) -> None:
        if isinstance(value, dict) and "kind" in value:
            assert len(value["source"]) >= 20, where
            if value["kind"] == "assumed":
                return
            assert any(
                sign in value["source"]
                for sign in (
                    ".com",
                    ".org",
                    ".to/",
                    "arXiv",
                    " x ",
                    "times",
                    "ublished",
                    "measured",
                    "not decoded",
                )
            ), where
        elif isinstance(value, dict):
            for key, inner in value.items():
                check(f"{where}.{key}", inner)
        else:
            assert not isinstance(value, int | float) or where.rpartition(".")[2] in plain, (
                f"{where} has no source"
            )

    check(name, reference.model_dump(exclude_none=True))


def test_published_latencies_are_kept() -> None:
    assert reference_profile("pi_4").infer_s == 0.038
    assert reference_profile("pi_3b_plus").infer_s == 0.067
    assert reference_profile("zero_2_w").infer_s == 0.119
    assert reference_profile("zero_2_w", threads=1).infer_s == 0.234
    assert reference_profile("pi_4", model="mobilenet_v3_small").infer_s == 0.013
    assert 0.007 <= reference_profile("pi_5").infer_s <= 0.012


def test_modelled_energy_agrees_with_the_stated_one() -> None:
    """Power times time must give the joules per inference that the file states, to a third."""
    for name in reference_names():
        reference = reference_document(name)
        for model, energy in reference.inference_energy_j.items():
            profile = reference_profile(name, model=model)
            assert profile.cpu_active_w is not None
            assert profile.cpu_active_w * profile.infer_s == pytest.approx(energy.value, rel=0.35)


def test_power_goes_with_the_busy_cores() -> None:
    four, one, eight = (reference_profile("pi_4", threads=n).cpu_active_w for n in (4, 1, 8))
    assert four is not None
    assert one == pytest.approx(four / 4)
    assert eight == four
    assert reference_profile("pc").cpu_active_w is None
    assert reference_profile("pc").cpu_power_source == "unknown"


def test_without_a_file_the_reference_with_no_more_threads_than_cores(tmp_path: Path) -> None:
    profile = profile_for(tmp_path / "none.json", "mobilenet_v3_small", None, board=PI_4, cores=2)
    assert not profile.measured
    assert profile.threads == 2
    assert profile.model == "mobilenet_v3_small"


class TestProfileFor:
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        save_profile(tmp_path / "profile.json", document())
        return tmp_path / "profile.json"

    def test_as_measured(self, path: Path) -> None:
        assert profile_for(path, "mobilenet_v3_large", None, board=PI_4) == load_profile(path)

    def test_other_threads_that_were_measured(self, path: Path) -> None:
        profile = profile_for(path, "mobilenet_v3_large", 2, board=PI_4)
        assert (profile.threads, profile.infer_s, profile.measured) == (2, 0.050, True)

    def test_threads_between_are_not_presumed_to_help(self, path: Path) -> None:
        profile = profile_for(path, "mobilenet_v3_large", 3, board=PI_4)
        assert (profile.threads, profile.infer_s, profile.measured) == (3, 0.050, False)
        assert profile.infer_sd_s == pytest.approx(0.025)

    def test_fewer_threads_than_measured_scale_up(self, tmp_path: Path) -> None:
        path = tmp_path / "profile.json"
        save_profile(path, document(threads=4, infer={4: timing(0.040)}))
        assert profile_for(path, "mobilenet_v3_large", 1, board=PI_4).infer_s == pytest.approx(0.160)

    @pytest.mark.parametrize("model", ["mobilenet_v3_small", "mobilenet_v3_small_uint8"])
    def test_another_model_of_the_reference_scales_by_its_ratio(self, path: Path, model: str) -> None:
        profile = profile_for(path, model, None, board=PI_4)
        assert profile.infer_s == pytest.approx(0.040 * 0.013 / 0.038)
        assert profile.infer_sd_s == pytest.approx(profile.infer_s / 2)
        assert (profile.model, profile.measured) == (model, False)
        assert profile.preprocess_s == 0.006

    def test_a_model_of_ones_own_takes_the_reference(self, path: Path) -> None:
        profile = profile_for(path, "my_own", None, board=PI_4)
        assert profile.infer_s == reference_profile(PI_4).infer_s
        assert not profile.measured
        assert profile.decode_s_per_pixel["JPEG"] == 1e-8

    def test_another_board_ignores_the_file(self, path: Path, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.WARNING, logger="offload_sdk"):
            profile = profile_for(path, "mobilenet_v3_large", None, board="Raspberry Pi 5 Model B Rev 1.0")
        assert profile.board == "Raspberry Pi 5"
        assert not profile.measured
        assert "calibrate" in caplog.text


def test_board_name_from_the_device_tree(tmp_path: Path) -> None:
    folder = tmp_path / "proc/device-tree"
    folder.mkdir(parents=True)
    (folder / "model").write_bytes(b"Raspberry Pi 4 Model B Rev 1.5\0")
    assert board_name(tmp_path) == PI_4


def test_board_name_from_the_processor(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cpuinfo").write_text("processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\n")
    assert board_name(tmp_path).endswith(", Some CPU @ 2 GHz")
    assert board_name(tmp_path / "nothing")
