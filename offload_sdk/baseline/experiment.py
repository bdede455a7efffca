"""An experiment from what is asked to what was found: opens the journal, has the rest measured, and sums up.

Each step is a file of its own; here they are only called in order.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from offload_sdk._config import OffloadConfig
from offload_sdk._profile import board_name
from offload_sdk.baseline.device import Device
from offload_sdk.baseline.history import History, Line, Measured, Session, read_line, write_line
from offload_sdk.baseline.images import Found
from offload_sdk.baseline.journal import Journal
from offload_sdk.baseline.machine import condition, describe_machine
from offload_sdk.baseline.measurement import Key, Measurement, PayloadKind
from offload_sdk.baseline.offloading import SharedProbe
from offload_sdk.baseline.order import Way, order
from offload_sdk.baseline.price import Pricing
from offload_sdk.baseline.run import Tell, check, measure
from offload_sdk.baseline.server import Server
from offload_sdk.baseline.summarise import series_of
from offload_sdk.baseline.summary import Series, Summary, Target
from offload_sdk.baseline.targets import TargetSpec
from offload_sdk.errors import OffloadError
from offload_sdk.measure.device import Device as DeviceReader
from offload_sdk.measure.load import LoadReader

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
            left = [key for key in self._keys() if key not in history.measurements]
            with self._begun(journal, history, left) as targets:
                if left:
                    measure(
                        targets,
                        {image.name: image for image in self.found.images},
                        left,
                        history.measurements,
                        lambda measurement: _add(journal, history, Measured(measurement=measurement)),
                        tell=tell,
                    )
        return self._result(history)

    def payloads_of(self, spec: TargetSpec) -> tuple[PayloadKind, ...]:
        return self.payloads if spec.takes_files else ("sdk",)

    def _keys(self) -> list[Key]:
        images = [image.name for image in self.found.images]
        ways = [Way(spec.name, payload) for spec in self.targets for payload in self.payloads_of(spec)]
        return [key for run in range(1, self.repeat + 1) for key in order(run, images, ways, self.seed)]

    @contextmanager
    def _begun(
        self, journal: Journal[Line], history: History, left: Sequence[Key]
    ) -> Iterator[list[Device | Server]]:
        """Open the targets that have something left, see that all of them answer, and note the circumstances."""
        begun = history.begin(self.found.images, self.seed, board_name())
        for spec in self.targets:
            if spec.endpoint is not None:
                history.meet(spec, None)
        wanted = {key.target for key in left}
        if not wanted:
            yield []
            return
        reader = SharedProbe(DeviceReader(), time.monotonic)
        with ExitStack() as stack:
            targets: list[Device | Server] = []
            for spec in self.targets:
                if spec.name in wanted:
                    targets.append(self._open(spec, reader))
                    stack.callback(targets[-1].close)
            check(targets)
            if begun is not None:
                _add(journal, history, begun)
            for target in targets:
                line = history.meet(target.spec, target.model)
                if line is not None:
                    _add(journal, history, line)
            local = next((target.local for target in targets if isinstance(target, Device)), None)
            machine = describe_machine(local) | condition(reader.read(), "before")
            load = LoadReader()
            load.read()
            _add(journal, history, Session(machine=machine, links=_links(targets)))
            try:
                yield targets
            finally:
                with contextlib.suppress(OffloadError):  # the measurements matter, and are there
                    ended = condition(reader.read(), "after") | {"other_load_frac": load.read()}
                    _add(journal, history, Session(machine=ended, links=_links(targets)))

    def _open(self, spec: TargetSpec, reader: SharedProbe) -> Device | Server:
        if spec.endpoint is None:
            return Device(spec, self.config, probe=reader)
        return Server(spec, self.payloads_of(spec), self.config, probe=reader)

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


def _add(journal: Journal[Line], history: History, line: Line) -> None:
    journal.append(line)
    history.add(line)


def _links(targets: Sequence[Device | Server]) -> dict[str, Mapping[str, object]]:
    return {target.spec.name: target.link() for target in targets if isinstance(target, Server)}
