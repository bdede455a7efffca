"""`calibrate`: runs the benchmarks in order, puts the profile together and saves it. Measures nothing itself."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from calibration.plan import FULL, QUICK, thread_counts
from calibration.statistics import pick_threads
from calibration.verdict import warnings
from offload_sdk._config import OffloadConfig
from offload_sdk._cores import usable_cores
from offload_sdk._profile import LinkTiming, ProfileDocument, board_name, save_profile
from offload_sdk._version import __version__
from offload_sdk.errors import RemoteError
from offload_sdk.measure import sysfs
from offload_sdk.measure.load import LoadReader
from offload_sdk.measure.thermal import ThermalReader

__all__ = ["CalibrationReport", "calibrate"]

_CPUFREQ = "sys/devices/system/cpu/cpu0/cpufreq"


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationReport:
    """The profile as saved, and where."""

    document: ProfileDocument
    path: Path

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, units in the names."""
        return {"path": str(self.path), **self.document.model_dump(mode="json")}


class _Progress:
    """Counts weighted steps and tells the caller the share that is done before each."""

    def __init__(self, tell: Callable[[str, float], None], total: float) -> None:
        self._tell, self._total, self._done = tell, total, 0.0

    def step(self, name: str, weight: float) -> None:
        self._tell(name, min(1.0, self._done / self._total))
        self._done += weight


def calibrate(
    config: OffloadConfig,
    *,
    quick: bool = False,
    server_url: str | None = None,
    progress: Callable[[str, float], None] = lambda step, frac: None,
    root: Path = Path("/"),
) -> CalibrationReport:
    """Measure this device with the configured model, and the link to `server_url` if given; save the profile.

    `progress` gets what is being done and the share that is done already (0..1). Quick takes under ten seconds
    on a PC and cuts what `Plan.notes` says; the full run takes about half a minute there. A server that cannot
    be reached is a warning in the profile, not an error.

    Raises:
        ModelError: there is no such model, or it does not run.
        ConfigurationError: the profile cannot be written.
    """
    from calibration.bench_local import time_decoding, time_inference, time_steps
    from offload_sdk.model import payloads_for, resolve, runtime_name

    plan = QUICK if quick else FULL
    cores = usable_cores()
    counts = thread_counts(cores, every=plan.all_thread_counts)
    wanted = config.threads
    if wanted is not None and wanted not in counts:
        counts = tuple(sorted((*counts, wanted)))
    bar = _Progress(progress, total=2 + len(plan.sizes) + 1 + 2 * len(counts) + (3 if server_url else 0))

    bar.step("loading the model", 2)
    thermal, load = ThermalReader(time.monotonic, root), LoadReader()
    temperature_before_c = thermal.temperature_c()
    thermal.throttled()
    load.read()
    model = resolve(config.model, config.models_dir)
    payload = payloads_for(model.spec, side_px=config.payload.side_px, quality=config.payload.quality)[0]

    decode = {}
    for name in plan.sizes:
        bar.step(f"decoding {'pixels in memory' if name == 'RGB' else name}", 1)
        decode[name] = time_decoding(name, plan, model.spec)
    bar.step("preprocessing and encoding", 1)
    preprocess, encode = time_steps(plan, model.spec, payload)
    infer = {}
    for count in counts:
        bar.step(f"inference with {count} thread{'s' if count > 1 else ''}", 2)
        infer[count] = time_inference(model, count, plan)
    threads = wanted if wanted is not None else pick_threads(infer)
    memory_bytes = _memory_bytes()
    temperature_after_c, throttled, load_frac = thermal.temperature_c(), thermal.throttled(), load.read()

    link, link_warning = None, None
    if server_url is not None:
        bar.step(f"link to {server_url}", 3)
        link, link_warning = _link(server_url, config, quick)

    governor = sysfs.text(root / _CPUFREQ / "scaling_governor")
    found = warnings(
        infer=infer[threads],
        governor=governor,
        driver=sysfs.text(root / _CPUFREQ / "scaling_driver"),
        throttled=throttled,
        temperature_before_c=temperature_before_c,
        load_frac=load_frac,
    )
    runtime, _, runtime_version = runtime_name().partition(" ")
    document = ProfileDocument(
        created_wall_s=time.time(),
        sdk_version=__version__,
        quick=quick,
        board=board_name(root),
        cores=cores,
        governor=governor,
        runtime=runtime,
        runtime_version=runtime_version or "unknown",
        python=platform.python_version(),
        model=model.name,
        model_sha256=model.sha256,
        threads=threads,
        infer=infer,
        preprocess=preprocess,
        encode=encode,
        decode=decode,
        memory_bytes=memory_bytes,
        temperature_before_c=temperature_before_c,
        temperature_after_c=temperature_after_c,
        throttled=throttled,
        link=link,
        warnings=found if link_warning is None else (*found, link_warning),
        notes=plan.notes,
    )
    save_profile(config.profile_path, document)
    progress("done", 1.0)
    return CalibrationReport(document=document, path=config.profile_path)


def _link(url: str, config: OffloadConfig, quick: bool) -> tuple[LinkTiming | None, str | None]:
    from calibration.bench_link import open_link, time_link

    try:
        with open_link(url, config) as (link, forget_connections):
            timing = time_link(link, forget_connections, url, QUICK if quick else FULL)
    except RemoteError as error:
        return None, f"the link was not measured: {error}"
    if timing.uplink_bytes_per_s is None:
        return timing, "the uplink was not measured: uploads failed, or took no longer than a ping"
    return timing, None


def _memory_bytes() -> int | None:
    import psutil

    try:
        return int(psutil.Process().memory_info().rss)
    except psutil.Error:
        return None
