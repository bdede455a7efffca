"""What a link does over time: rate, delay and loss as a step function, and the arithmetic on it.

Pure but for `from_csv`, which reads a file. No clock and no sockets: those are the emulator's.
"""

from __future__ import annotations

import csv
import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from os import PathLike

from offload_sdk.errors import ConfigurationError

_BYTES_PER_S_PER_MBPS = 1e6 / 8.0
_COLUMNS = ("t_s", "uplink_mbps", "rtt_ms", "loss")


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkSample:
    """The link from `t_s` on (seconds from the start of its trace) until the next sample.

    `uplink_mbps` is the rate in 10^6 bit/s, 0 for a stall; `rtt_ms` the round trip without any queueing;
    `loss` the share of packets lost, 0..1, None where it is unknown.
    """

    t_s: float = 0.0
    uplink_mbps: float
    rtt_ms: float
    loss: float | None = None

    @property
    def uplink_bytes_per_s(self) -> float:
        return self.uplink_mbps * _BYTES_PER_S_PER_MBPS

    @property
    def rtt_s(self) -> float:
        return self.rtt_ms / 1000.0


class LinkTrace:
    """Samples of a link, each holding until the next.

    The trace ends at `duration_s`, which by default is the time of its last sample (so that, as in the files,
    that sample only marks the end), and starts again. With `repeat=False` it is played once and its last
    sample holds for ever. A single sample without a duration is a constant link.

    Times are in seconds from the start of the trace, and may go past its end.
    """

    def __init__(
        self, samples: Iterable[LinkSample], *, duration_s: float | None = None, repeat: bool = True
    ) -> None:
        """`ConfigurationError` when a sample is impossible or the times do not start at 0 and rise."""
        given = tuple(samples)
        _check(given, duration_s)
        last_s = given[-1].t_s
        self.duration_s = duration_s if duration_s is not None else (last_s if len(given) > 1 else math.inf)
        self.repeat = repeat
        self._period_s = self.duration_s if repeat else math.inf
        self.samples: tuple[LinkSample, ...] = tuple(s for s in given if s.t_s < self._period_s)
        self._times_s = [sample.t_s for sample in self.samples]
        self._passed_bytes = [0.0]  # at each sample's time; with a period, also at its end
        for sample, next_s in zip(self.samples, [*self._times_s[1:], self._period_s], strict=True):
            if math.isfinite(next_s):
                held_bytes = (next_s - sample.t_s) * sample.uplink_bytes_per_s
                self._passed_bytes.append(self._passed_bytes[-1] + held_bytes)

    @classmethod
    def constant(
        cls,
        uplink_mbps: float,
        rtt_ms: float,
        *,
        loss: float | None = None,
        duration_s: float | None = None,
    ) -> LinkTrace:
        """The same rate and delay all the time; `duration_s` is needed only for `concatenate`."""
        return cls([LinkSample(uplink_mbps=uplink_mbps, rtt_ms=rtt_ms, loss=loss)], duration_s=duration_s)

    @classmethod
    def from_csv(cls, path: str | PathLike[str], *, repeat: bool = True) -> LinkTrace:
        """Read `t_s,uplink_mbps,rtt_ms,loss` with a header line; `loss` may be blank or missing.

        `ConfigurationError`, naming the file and the line, when it cannot be read.
        """
        try:
            with open(path, newline="", encoding="utf-8") as file:
                rows = csv.DictReader(file)
                missing = set(_COLUMNS[:3]).difference(rows.fieldnames or ())
                if missing:
                    raise ConfigurationError(f"{path}: the header line lacks {', '.join(sorted(missing))}")
                samples = [_sample(row, f"{path}, line {rows.line_num}") for row in rows]
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise ConfigurationError(f"cannot read the link trace {path}: {error}") from error
        try:
            return cls(samples, repeat=repeat)
        except ConfigurationError as error:
            raise ConfigurationError(f"{path}: {error}") from error

    @classmethod
    def concatenate(cls, *traces: LinkTrace, repeat: bool = True) -> LinkTrace:
        """One trace after the other; all but the last must end."""
        samples: list[LinkSample] = []
        start_s = 0.0
        for trace in traces:
            if not math.isfinite(start_s):
                raise ConfigurationError("only the last of the concatenated traces may be endless; cut the others")
            inside = (sample for sample in trace.samples if sample.t_s < trace.duration_s)
            samples += [replace(sample, t_s=start_s + sample.t_s) for sample in inside]
            start_s += trace.duration_s
        return cls(samples, duration_s=start_s if math.isfinite(start_s) else None, repeat=repeat)

    def cut(self, start_s: float, stop_s: float, *, repeat: bool = True) -> LinkTrace:
        """The stretch from `start_s` to `stop_s`, which may reach past the end, as a trace of its own."""
        if not 0.0 <= start_s < stop_s < math.inf:
            raise ConfigurationError(f"cannot cut a trace from {start_s!r} s to {stop_s!r} s")
        samples = [replace(self.at(start_s), t_s=0.0)]
        offset_s = start_s - self._local_s(start_s)
        while offset_s < stop_s:
            samples += [
                replace(sample, t_s=offset_s + sample.t_s - start_s)
                for sample in self.samples
                if start_s < offset_s + sample.t_s < stop_s
            ]
            offset_s += self._period_s
        return LinkTrace(samples, duration_s=stop_s - start_s, repeat=repeat)

    def at(self, t_s: float) -> LinkSample:
        """The sample in force at `t_s`."""
        return self.samples[max(bisect_right(self._times_s, self._local_s(t_s)) - 1, 0)]

    def passed_bytes(self, start_s: float, stop_s: float) -> float:
        """How many bytes the link carries from `start_s` to `stop_s`: the integral of the rate."""
        return self._passed_by(stop_s) - self._passed_by(start_s)

    def finish_s(self, start_s: float, size_bytes: float) -> float:
        """When the last of `size_bytes` that start at `start_s` has passed: the inverse of `passed_bytes`.

        `math.inf` if the link never carries that much.
        """
        if size_bytes <= 0.0:
            return start_s
        target = self._passed_by(start_s) + size_bytes
        whole_s = 0.0
        if math.isfinite(self._period_s):
            each = self._passed_bytes[-1]
            if each <= 0.0:
                return math.inf
            # The bytes that end exactly with a period belong to it, not to the one after.
            periods = max(math.ceil(target / each) - 1, 0)
            whole_s, target = periods * self._period_s, target - periods * each
        # The last sample before which less than `target` has passed, so its rate is not 0 unless it is the end.
        index = min(max(bisect_left(self._passed_bytes, target) - 1, 0), len(self.samples) - 1)
        rate = self.samples[index].uplink_bytes_per_s
        if rate <= 0.0:
            return math.inf
        held_s = (target - self._passed_bytes[index]) / rate
        return max(start_s, whole_s + self._times_s[index] + held_s)

    def _local_s(self, t_s: float) -> float:
        return t_s % self._period_s if math.isfinite(self._period_s) else t_s

    def _passed_by(self, t_s: float) -> float:
        local_s = self._local_s(t_s)
        index = max(bisect_right(self._times_s, local_s) - 1, 0)
        sample = self.samples[index]
        passed = self._passed_bytes[index] + (local_s - sample.t_s) * sample.uplink_bytes_per_s
        if math.isfinite(self._period_s):
            passed += round((t_s - local_s) / self._period_s) * self._passed_bytes[-1]
        return passed

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {len(self.samples)} samples, {self.duration_s:g} s>"


def _sample(row: dict[str, str | None], where: str) -> LinkSample:
    try:
        t_s, uplink_mbps, rtt_ms = (float(row[name] or "") for name in _COLUMNS[:3])
        loss = float(row["loss"] or "") if row.get("loss") else None
    except ValueError as error:
        raise ConfigurationError(f"{where}: expected the numbers {','.join(_COLUMNS)}: {error}") from error
    return LinkSample(t_s=t_s, uplink_mbps=uplink_mbps, rtt_ms=rtt_ms, loss=loss)


def _check(samples: Sequence[LinkSample], duration_s: float | None) -> None:
    if not samples:
        raise ConfigurationError("a link trace needs at least one sample")
    if samples[0].t_s != 0.0:
        raise ConfigurationError(f"a link trace starts at t_s 0, not at {samples[0].t_s:g}")
    for sample in samples:
        for name, value in (("uplink_mbps", sample.uplink_mbps), ("rtt_ms", sample.rtt_ms)):
            if not (math.isfinite(value) and value >= 0.0):
                raise ConfigurationError(f"{name} at t_s {sample.t_s:g} is {value!r}; give a number from 0 up")
        if sample.loss is not None and not 0.0 <= sample.loss <= 1.0:
            raise ConfigurationError(f"loss at t_s {sample.t_s:g} is {sample.loss!r}; give a share from 0 to 1")
    for before, after in pairwise(samples):
        if not before.t_s < after.t_s < math.inf:
            raise ConfigurationError(f"t_s must rise: {after.t_s:g} follows {before.t_s:g}")
    if duration_s is not None and not duration_s > 0.0:
        raise ConfigurationError(f"a link trace lasts longer than {duration_s!r} s")
