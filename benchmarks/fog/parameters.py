"""Every number of the experiment, in one record, and how its variations differ. Draws and runs nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace

__all__ = ["Host", "Parameters", "variations"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A host's virtual machines are alike: each takes `service_s / speed`, and nothing above `capacity_bytes`."""

    speed: float
    capacity_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """The fog node, its requests and their devices.

    Of the paper [D]: three hosts with several virtual machines each; requests that carry battery, signal, a limit
    T_r on the response time, a size and an execution time, which a machine's speed divides; one request at a time
    on a machine; requests are told from a queue; thresholds on battery and signal.

    Ours [P], as the paper's figures are not known: every number, and these rules. They were fixed before any
    policy was compared, so that (a) each request can succeed in all respects if the fastest host serves it at
    once, (b) the load spans half to twice what the machines can do, (c) in a wait as long as T_r about one device
    in seven falls below its battery threshold, and as many below that of the signal.

    - `requests` arrive within `window_s`; the gaps are gamma distributed with `gap_cv` (1: a Poisson process).
    - `service_mean_s` with `service_cv` (lognormal) is the time on a machine of speed 1, in the first half of the
      requests less by `service_shift_frac` and in the second more by it; schedulers are told it with an error of
      `estimate_cv` (lognormal, mean 1; 0: they know it, as in the paper).
    - `size_bytes`, `battery_frac`, `signal_dbm`: uniform in these ranges, at the arrival.
    - T_r is uniform within `limit_mean_s` × (1 ± `limit_spread_frac`).
    - A battery drains steadily, by a fraction of its charge a second that is uniform up to `most_drain_per_s`:
      fast, so that a wait of seconds matters. A signal changes steadily, by a normal number of dB a second.
    - `context_is_live`: schedulers see battery and signal as they are now; else, as on the live server, as they
      were on arrival.
    - `in_rounds`: every policy decides once in an interval, as the paper's does; else it is asked at each event.
      What the paper's experiment did is not known.
    - `preempts`: the paper's policy may stop what runs, whose work is lost; the text is of two minds about it.
    """

    hosts: tuple[Host, ...] = (
        Host(speed=1.5, capacity_bytes=2_000_000),
        Host(speed=1.0, capacity_bytes=2_000_000),
        Host(speed=0.5, capacity_bytes=1_000_000),
    )
    machines_per_host: int = 4
    requests: int = 450
    window_s: float = 60.0
    gap_cv: float = 1.0
    service_mean_s: float = 2.0
    service_cv: float = 0.5
    service_shift_frac: float = 0.0
    estimate_cv: float = 0.0
    size_bytes: tuple[int, int] = (100_000, 2_000_000)
    limit_mean_s: float = 10.0
    limit_spread_frac: float = 0.5
    battery_frac: tuple[float, float] = (0.15, 1.0)
    least_battery_frac: float = 0.1
    most_drain_per_s: float = 0.035
    signal_dbm: tuple[float, float] = (-86.0, -50.0)
    least_signal_dbm: float = -90.0
    drift_mean_db_per_s: float = -0.75
    drift_sd_db_per_s: float = 0.75
    context_is_live: bool = False
    in_rounds: bool = False
    preempts: bool = False

    @property
    def machines(self) -> int:
        return self.machines_per_host * len(self.hosts)

    @property
    def load(self) -> float:
        """The work that arrives in the window, of what all machines can do in it."""
        speed = self.machines_per_host * sum(host.speed for host in self.hosts)
        return self.requests * self.service_mean_s / (self.window_s * speed)


def variations(base: Parameters) -> dict[str, Parameters]:
    """Other worlds, to see what of a ranking is owed to the numbers above."""
    return {
        "batteries drain twice as fast": replace(base, most_drain_per_s=2 * base.most_drain_per_s),
        "signals change twice as fast": replace(
            base,
            drift_mean_db_per_s=2 * base.drift_mean_db_per_s,
            drift_sd_db_per_s=2 * base.drift_sd_db_per_s,
        ),
        "execution times with a heavy tail (cv 1.5)": replace(base, service_cv=1.5),
        "execution times that treble half way": replace(base, service_shift_frac=0.5),
        "execution times known to 50 % only": replace(base, estimate_cv=0.5),
        "requests in bursts (gaps with cv 4)": replace(base, gap_cv=4.0),
        "battery and signal told anew all the time": replace(base, context_is_live=True),
        "the proposal pre-empts": replace(base, preempts=True),
    }
