"""Runs the experiment over every link: one server, an emulated link for each cell, `offload_sdk.baseline` between.

No figures are made here but means.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks.network_effect.cells import Cell, Findings, Point
from benchmarks.server.payloads import payloads
from benchmarks.server.stack import running
from benchmarks.server.stacks import ours
from offload_sdk import OffloadConfig
from offload_sdk._config import EndpointConfig
from offload_sdk.baseline.experiment import Experiment, Result
from offload_sdk.baseline.images import Found, ImageFile
from offload_sdk.baseline.measurement import PayloadKind
from offload_sdk.baseline.price import pricing_of
from offload_sdk.baseline.summary import Series
from offload_sdk.baseline.targets import LOCAL, TargetSpec
from offload_sdk.model import resolve

__all__ = ["MODEL", "find_effect"]

MODEL = "efficientnet_lite0"
_PATIENCE_S = 3600.0  # a photograph over 2G takes minutes

Tell = Callable[[str, float], None]


def find_effect(cells: Sequence[Cell], images: Sequence[ImageFile], home: Path, seed: int, tell: Tell) -> Findings:
    """Send all images over every link, and classify them on this machine, in turns."""
    mean_bytes = sum(image.size_bytes for image in images) / len(images)
    typical = min(images, key=lambda image: abs(image.size_bytes - mean_bytes))
    config = OffloadConfig(
        home=home, server_url=None, token=None, endpoints=(), model=MODEL, remote_timeout_s=_PATIENCE_S, seed=seed
    )
    resolve(MODEL, config.models_dir)
    with ExitStack() as stack:
        out = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        patient = ("--body-timeout-s", str(_PATIENCE_S))  # by default it gives a body half a minute
        server = stack.enter_context(running(ours(MODEL, home, payloads(), 1, *patient), out / "server.txt"))
        specs = {
            cell: TargetSpec(
                name=cell.name,
                endpoint=EndpointConfig(
                    name=cell.name, url=stack.enter_context(cell.link.open_to(server.port)).url
                ),
            )
            for cell in cells
        }

        def run(
            name: str, some: Sequence[Cell], sent: Sequence[ImageFile], kinds: tuple[PayloadKind, ...]
        ) -> Result:
            targets = [specs[cell] for cell in some] + ([TargetSpec(name=LOCAL)] if name == "quick" else [])
            experiment = Experiment(
                config=config,
                found=Found(images=tuple(sent), skipped=()),
                targets=targets,
                pricing={spec.name: pricing_of(spec, {}, 0.0) for spec in targets},
                repeat=1,
                seed=seed,
                payloads=kinds,
            )
            return experiment.run(out / name, tell)

        quick, slow = [c for c in cells if not c.is_slow], [c for c in cells if c.is_slow]
        results = [run("quick", quick, images, ("sdk", "original"))]
        if slow:
            results += [
                run("slow", slow, images, ("sdk",)),
                run("slow, whole files", slow, [typical], ("original",)),
            ]
    points = tuple(_point(cell, results) for cell in cells)
    local = next(target.series for target in results[0].summary.targets if target.name == LOCAL)
    return Findings(points=points, local_s=_mean_s(local), images=len(images), image_bytes=mean_bytes)


def _point(cell: Cell, results: Sequence[Result]) -> Point:
    measured = [
        m for result in results for m in result.measurements if m.target == cell.name and m.failure is None
    ]
    sdk = [m for m in measured if m.payload == "sdk"]
    original = [m for m in measured if m.payload == "original"]
    if not sdk or not original:
        raise SystemExit(f"no image was answered over {cell.name}")
    return Point(
        cell=cell,
        sdk_s=sum(m.latency_s for m in sdk) / len(sdk),
        sdk_bytes=sum(m.sent_bytes for m in sdk) / len(sdk),
        server_s=min(m.server_s or 0.0 for m in sdk),
        original_s=sum(m.latency_s for m in original) / len(original),
        original_images=len(original),
    )


def _mean_s(series: Series) -> float:
    assert series.mean_s is not None
    return series.mean_s
