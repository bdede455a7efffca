"""An experiment that grows: more repetitions, more targets, another form of upload; nothing is measured again."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from baseline_kit import write_pictures
from offload_kit import images_sent

from offload_sdk import OffloadConfig
from offload_sdk.baseline.experiment import Experiment, Result
from offload_sdk.baseline.images import find_images
from offload_sdk.baseline.journal import FILE_NAME
from offload_sdk.baseline.price import Pricing
from offload_sdk.baseline.run import WARM_UPS
from offload_sdk.baseline.targets import parse_targets
from offload_sdk.errors import ConfigurationError
from offload_sdk.model import PictureLimits
from offload_sdk.testing import FaultyServer

IMAGES = 4


def _run(folder: Path, *targets: str, **values: Any) -> Result:
    config = OffloadConfig()
    specs = parse_targets(targets, config)
    experiment = Experiment(
        **{
            "config": config,
            "found": find_images([folder / "pictures"], PictureLimits()),
            "targets": specs,
            "pricing": {spec.name: Pricing() for spec in specs},
            "repeat": 1,
            "seed": 0,
            "payloads": ("sdk",),
            **values,
        }
    )
    return experiment.run(folder / "out")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_pictures(tmp_path / "pictures", IMAGES)
    return tmp_path


def test_only_what_is_new_is_measured(folder: Path) -> None:
    journal = folder / "out" / FILE_NAME
    with FaultyServer() as server, FaultyServer() as other:
        a, b = f"a={server.url}", f"b={other.url}"
        sent = 0
        for targets, values, new in (
            ([a], {"repeat": 2}, 2),
            ([a], {"repeat": 3}, 1),
            ([a], {"repeat": 3, "payloads": ("sdk", "original")}, 3),
            ([a, b], {"repeat": 3, "payloads": ("sdk", "original")}, 0),
        ):
            before = journal.read_bytes() if journal.exists() else b""
            result = _run(folder, *targets, **values)
            assert journal.read_bytes().startswith(before)
            sent += new * IMAGES + (WARM_UPS if new else 0)
            assert len(images_sent(server)) == sent
        assert len(images_sent(other)) == 2 * (WARM_UPS + 3 * IMAGES)
    assert len({m.key for m in result.measurements}) == len(result.measurements) == 2 * 2 * 3 * IMAGES
    for run in (1, 2, 3):
        positions = [m.position for m in result.measurements if m.run == run]
        assert sorted(positions) == list(range(4 * IMAGES))
    first, second = result.summary.targets
    assert [run.images for run in first.series.runs] == [IMAGES] * 3
    assert second.original is not None


def test_fewer_repetitions_or_targets_are_summed_up_without_a_server(folder: Path) -> None:
    with FaultyServer() as server, FaultyServer() as other:
        a, b = f"a={server.url}", f"b={other.url}"
        _run(folder, a, b, repeat=2)
    result = _run(folder, a)
    (target,) = result.summary.targets
    assert (target.name, len(target.series.runs), len(result.measurements)) == ("a", 1, IMAGES)
    assert set(result.summary.links) == {"a"}


@pytest.mark.parametrize("seed", range(5))
def test_cut_off_anywhere_the_journal_is_completed_and_nothing_is_measured_twice(folder: Path, seed: int) -> None:
    journal = folder / "out" / FILE_NAME
    with FaultyServer() as server:
        whole = _run(folder, f"a={server.url}", repeat=2)
        content = journal.read_bytes()
        journal.write_bytes(content[: random.Random(seed).randrange(len(content))])
        again = _run(folder, f"a={server.url}", repeat=2)
    assert {m.key for m in again.measurements} == {m.key for m in whole.measurements}
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    kinds = Counter(line["kind"] for line in lines)
    assert (kinds["begun"], kinds["target"], kinds["measured"]) == (1, 1, 2 * IMAGES)
    assert [m.position for m in again.measurements if m.run == 2] == list(range(IMAGES))


def test_another_experiment_is_refused_and_leaves_the_journal_as_it_is(folder: Path) -> None:
    with FaultyServer() as server:
        _run(folder, f"a={server.url}")
    before = (folder / "out" / FILE_NAME).read_bytes()
    with pytest.raises(ConfigurationError, match="another name, or give another folder"):
        _run(folder, "a=http://127.0.0.1:9")
    with pytest.raises(ConfigurationError, match="begun with --seed 0"):
        _run(folder, f"a={server.url}", seed=1)
    write_pictures(folder / "pictures", IMAGES + 1)
    with pytest.raises(ConfigurationError, match=r"1 new, such as 4\.jpg"):
        _run(folder, f"a={server.url}")
    assert (folder / "out" / FILE_NAME).read_bytes() == before
