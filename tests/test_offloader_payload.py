"""The payload follows the link: real sockets, an emulated slow link, and what the log tells of it."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from offload_kit import images_sent, make, rows
from PIL import Image

from offload_sdk._types import Classification, Payload
from offload_sdk.model import InputSpec, payloads_for
from offload_sdk.testing import FaultyServer, LinkEmulator

LADDER = payloads_for(InputSpec())
SLOW_MBPS = 0.16  # 20 KB/s


def picture() -> Image.Image:
    """As much detail as a photograph has: shapes of all sizes."""
    rng = np.random.default_rng(7)
    layers = [
        np.asarray(Image.fromarray(rng.integers(0, 256, (n, n, 3), np.uint8)).resize((480, 480)), float)
        for n in (6, 24, 96)
    ]
    return Image.fromarray((sum(layers) / len(layers)).astype(np.uint8))


def classified(tmp_path: Path, uplink_mbps: float, images: int, **payload: Any) -> list[Classification]:
    """Classify at the endpoint and nowhere else; what was sent, said and logged is checked on the way."""
    with (
        FaultyServer() as server,
        LinkEmulator(server.url, uplink_mbps=uplink_mbps, rtt_ms=20) as link,
        make(tmp_path, link.url, local=False, probe={"enabled": False}, payload=payload) as offloader,
    ):
        frame = np.asarray(picture())
        results = [offloader.classify(frame) for _ in range(images)]
        for result, row, request in zip(results, rows(offloader), images_sent(server), strict=True):
            sent = predicted(result)
            (outcome,) = row.outcomes
            assert row.decision.predicted["edge"].payload == outcome.payload == sent
            content = request.body[request.body.index(b"\xff\xd8") : request.body.rindex(b"\xff\xd9") + 2]
            assert Image.open(BytesIO(content)).size == (sent.side_px, sent.side_px)
            assert len(content) < outcome.sent_bytes < len(content) + 1000
        return results


def predicted(result: Classification) -> Payload:
    payload = result.decision.predicted["edge"].payload
    assert payload is not None
    return payload


def test_a_fast_link_gets_the_best_picture_from_the_first_on(tmp_path: Path) -> None:
    assert [predicted(result) for result in classified(tmp_path, 100.0, 4)] == [LADDER[0]] * 4


def test_a_slow_link_gets_a_smaller_one_as_soon_as_it_is_known(tmp_path: Path) -> None:
    results = classified(tmp_path, SLOW_MBPS, 4)
    assert predicted(results[0]) == LADDER[0]
    assert predicted(results[-1]).expected_bytes < LADDER[0].expected_bytes / 2
    assert results[-1].latency_s < results[0].latency_s
    told = results[-1].to_dict()["decision"]["predicted"]["edge"]["payload"]
    assert told == predicted(results[-1]).to_dict()


@pytest.mark.parametrize("fixed", [{"quality": 85, "side_px": 224}, {"quality": 80}])
def test_what_the_user_has_fixed_stays(tmp_path: Path, fixed: dict[str, int]) -> None:
    (wanted,) = payloads_for(InputSpec(), **fixed)
    assert [predicted(result) for result in classified(tmp_path, SLOW_MBPS, 2, **fixed)] == [wanted] * 2


def test_where_labels_are_worth_nothing_the_smallest_is_sent(tmp_path: Path) -> None:
    (result,) = classified(tmp_path, 100.0, 1, seconds_per_error=0.0)
    assert predicted(result) == LADDER[-1]
