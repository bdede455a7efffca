"""An experiment from what is asked to what was found: opens the journal, has the rest measured, and sums up.

Each step is a file of its own; here they are only called in order.
"""

from __future__ import annotations

import time
from collections.abc import Container, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from offload_sdk._config import OffloadConfig
from offload_sdk._profile import board_name
from offload_sdk.baseline.circumstances import noted_circumstances
from offload_sdk.baseline.device import Device
from offload_sdk.baseline.history import History, Line, Measured, read_line, write_line
from offload_sdk.baseline.images import Found
from offload_sdk.baseline.journal import Journal
from offload_sdk.baseline.measurement import Key, Measurement, PayloadKind
from offload_sdk.baseline.offloading import SharedProbe
from offload_sdk.baseline.order import Way, order
from offload_sdk.baseline.price import Pricing
from offload_sdk.baseline.run import Tell, check, measure
from offload_sdk.baseline.server import Server
from offload_sdk.baseline.summarise import series_of
from offload_sdk.baseline.summary import Series, Summary, Target
from offload_sdk.baseline.targets import TargetSpec
from offload_sdk.measure.device import Device as DeviceReader

__all__ = ["Experiment", "Result"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """`measurements` are those of the asked targets and repetitions, in the order in which they were made."""

    summary: Summary
    measurements: tuple[Measurement, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """What is asked. `payloads` are the forms of upload to servers; the device has only the SDK's."""

    config: OffloadConfig
    found: Found
    targets: Sequence[TargetSpec]
    pricing: Mapping[str, Pricing]
    repeat: int
    seed: int
    payloads: tuple[PayloadKind, ...]

    def run(self, out: Path, tell: Tell = lambda step, frac: None) -> Result:
        """Measure what the journal in `out` does not hold yet, and return the whole.

        Raises `OffloadError`: the journal cannot be used (`journal.py`) or is of another experiment
        (`history.py`), or a target does not answer (`run.py`). What was measured until then is kept.
        """
        with Journal[Line](out, read=read_line, write=write_line) as journal:
            history = History.of(journal.lines)

            def add(line: Line | None) -> None:
                if line is not None:
                    journal.append(line)
                    history.add(line)

            begun = history.begin(self.found.images, self.seed, board_name())
            for spec in self.targets:
                if spec.path == "remote":
                    history.meet(spec, None)
            left = [key for key in self._keys() if key not in history.measurements]
            if left:
                with ExitStack() as stack:
                    targets = self._opened(stack, {key.target for key in left})
                    check(targets)
                    add(begun)
                    for target in targets:
                        add(history.meet(target.spec, target.model))
                    stack.enter_context(noted_circumstances(targets, add))
                    measure(
                        targets,
                        {image.name: image for image in self.found.images},
                        left,
                        history.measurements,
                        lambda measurement: add(Measured(measurement=measurement)),
                        tell=tell,
                    )
        return self._result(history)

    def payloads_of(self, spec: TargetSpec) -> tuple[PayloadKind, ...]:
        return self.payloads if spec.takes_files else ("sdk",)

    def _keys(self) -> list[Key]:
        images = [image.name for image in self.found.images]
        ways = [Way(spec.name, payload) for spec in self.targets for payload in self.payloads_of(spec)]
        return [key for run in range(1, self.repeat + 1) for key in order(run, images, ways, self.seed)]

    def _opened(self, stack: ExitStack, wanted: Container[str]) -> list[Device | Server]:
        """Open these targets, and leave it to the stack to close them."""
        probe = SharedProbe(DeviceReader(), time.monotonic)
        targets: list[Device | Server] = []
        for spec in self.targets:
            if spec.name not in wanted:
                continue
            if spec.endpoint is None:
                targets.append(Device(spec, self.config, probe=probe))
            else:
                targets.append(Server(spec, self.payloads_of(spec), self.config, probe=probe))
            stack.callback(targets[-1].close)
        return targets

    def _result(self, history: History) -> Result:
        asked = set(self._keys())
        measurements = tuple(m for key, m in history.measurements.items() if key in asked)
        summary = Summary(
            targets=tuple(self._target(spec, measurements) for spec in self.targets),
            repeat=self.repeat,
            images=len(self.found.images),
            image_bytes=sum(image.size_bytes for image in self.found.images),
            machine=history.machine,
            links={spec.name: history.links[spec.name] for spec in self.targets if spec.name in history.links},
        )
        return Result(summary=summary, measurements=measurements)

    def _target(self, spec: TargetSpec, measurements: Sequence[Measurement]) -> Target:
        pricing = self.pricing[spec.name]

        def series(payload: PayloadKind) -> Series:
            mine = (m for m in measurements if (m.target, m.payload) == (spec.name, payload))
            return series_of(payload, mine, pricing.cost)

        first, *others = self.payloads_of(spec)
        return Target(
            name=spec.name,
            path=spec.path,
            series=series(first),
            original=series("original") if others else None,
            url=spec.url,
            platform=None if pricing.platform is None else pricing.platform.name,
            platform_assumed=pricing.assumed,
        )
