"""What may be added to an experiment, and what would make another one of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from baseline_kit import images_in, measured, write_pictures
from hypothesis import given
from hypothesis import strategies as st

from offload_sdk._config import EndpointConfig
from offload_sdk.baseline.history import Begun, History, Line, Measured, Session, TargetLine, read_line, write_line
from offload_sdk.baseline.images import ImageFile
from offload_sdk.baseline.targets import TargetSpec
from offload_sdk.errors import ConfigurationError, OffloadError

CLOUD = TargetSpec(name="cloud", endpoint=EndpointConfig(name="cloud", url="http://127.0.0.1:1", token="secret"))  # type: ignore[arg-type]


@pytest.fixture
def images(tmp_path: Path) -> list[ImageFile]:
    return list(images_in(write_pictures(tmp_path, 3)).values())


def _begun(images: list[ImageFile]) -> History:
    begun = History().begin(images, 0, "a board")
    assert begun is not None
    return History.of([begun])


@given(
    st.builds(
        measured,
        image=st.text(min_size=1).filter(lambda name: name.isprintable()),
        payload=st.sampled_from(["sdk", "original"]),
        run=st.integers(1, 1000),
        latency_s=st.floats(0, 1e6),
        failure=st.none() | st.sampled_from(["timeout", "input"]),
        energy_j=st.none() | st.floats(0, 1e3),
        energy_source=st.sampled_from(["metered", "modelled", "unknown"]),
    )
)
def test_a_measurement_comes_back_from_its_line_as_it_was(measurement) -> None:  # type: ignore[no-untyped-def]
    line = write_line(Measured(measurement=measurement))
    assert b"\n" not in line
    assert read_line(line) == Measured(measurement=measurement)


def test_other_lines_come_back_too(images: list[ImageFile]) -> None:
    lines: list[Line] = [
        Begun(seed=3, board="b", images={"a.jpg": (12, "00ff")}),
        TargetLine(name="local", path="local", url=None, model="m"),
        Session(machine={"cores": 4, "governor": None}, links={"a": {"rtt_s": 0.1}}),
    ]
    assert [read_line(write_line(line)) for line in lines] == lines


@pytest.mark.parametrize("line", [b"", b'{"kind":"measured","measu', b"\0\0"])
def test_what_is_no_json_is_no_line(line: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - json's own
        read_line(line)


@pytest.mark.parametrize("line", [b"[]", b'{"kind":"new"}', b'{"kind":"begun","version":2,"seed":0}'])
def test_a_line_of_another_version_is_told_and_not_taken_for_a_torn_one(line: bytes) -> None:
    with pytest.raises(OffloadError, match="does not understand"):
        read_line(line)


def test_the_same_experiment_goes_on(images: list[ImageFile]) -> None:
    assert _begun(images).begin(list(reversed(images)), 0, "a board") is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda images: images[1:], "1 missing, such as 0.jpg"),
        (lambda images: [*images, replace(images[0], name="x.jpg")], "1 new, such as x.jpg"),
        (lambda images: [replace(images[0], sha256="other"), *images[1:]], "1 changed, such as 0.jpg"),
    ],
)
def test_other_images_are_told(images: list[ImageFile], change, words: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ConfigurationError, match=words + ".*another folder with --out"):
        _begun(images).begin(change(images), 0, "a board")


def test_another_seed_or_device_is_told(images: list[ImageFile]) -> None:
    with pytest.raises(ConfigurationError, match="begun with --seed 0"):
        _begun(images).begin(images, 1, "a board")
    with pytest.raises(ConfigurationError, match=r"begun on another device \(a board\)"):
        _begun(images).begin(images, 0, "a bird")


def test_a_name_stays_with_its_server_and_the_device_with_its_model() -> None:
    history = History()
    for line in (history.meet(CLOUD, None), history.meet(TargetSpec(name="local"), "small")):
        assert line is not None
        assert b"secret" not in write_line(line)
        history.add(line)
    assert history.meet(CLOUD, None) is None
    moved = TargetSpec(name="cloud", endpoint=EndpointConfig(name="cloud", url="http://127.0.0.1:2"))
    with pytest.raises(
        ConfigurationError, match=r"target 'cloud' was http://127.0.0.1:1 .* call http://127.0.0.1:2 by"
    ):
        history.meet(moved, None)
    with pytest.raises(ConfigurationError, match=r"begun with the model small .* OFFLOAD_MODEL=small"):
        history.meet(TargetSpec(name="local"), "large")


def test_before_is_of_the_first_session_and_after_of_the_last() -> None:
    sessions = [
        Session(machine={"temperature_before_c": 40.0, "cores": 4}, links={"a": {"samples": 5}}),
        Session(machine={"temperature_after_c": 60.0}, links={"a": {"samples": 90}}),
        Session(machine={"temperature_before_c": 50.0, "cores": 4}, links={}),
        Session(machine={"temperature_after_c": 70.0}, links={"b": {"samples": 7}}),
    ]
    history = History.of(sessions)
    assert history.machine == {"temperature_before_c": 40.0, "temperature_after_c": 70.0, "cores": 4}
    assert history.links == {"a": {"samples": 90}, "b": {"samples": 7}}
