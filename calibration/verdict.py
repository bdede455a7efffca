"""What may make the figures wrong, in words that say what to do. Pure."""

from __future__ import annotations

from offload_sdk._profile import Timing

__all__ = ["warnings"]

HOT_C = 80.0
NOISY_RATIO = 1.5
BUSY_FRAC = 0.2
# With these drivers the governor called "powersave" is the ordinary dynamic one.
_DYNAMIC_POWERSAVE = ("intel_pstate", "amd-pstate-epp", "amd_pstate_epp")


def warnings(
    *,
    infer: Timing,
    governor: str | None,
    driver: str | None,
    throttled: bool | None,
    temperature_before_c: float | None,
    load_frac: float | None,
) -> tuple[str, ...]:
    """Return one sentence per thing that was not as it should be. `infer` is that of the chosen threads."""
    found = []
    if throttled:
        found.append(
            "the processor was throttled (heat or undervoltage): cool the board, use a better power supply, "
            "then calibrate again"
        )
    if governor == "powersave" and driver not in _DYNAMIC_POWERSAVE:
        found.append(
            "the governor is 'powersave', which keeps the lowest clock: switch to 'ondemand' or 'schedutil', "
            "unless that is how the device will run"
        )
    if infer.p90_s > NOISY_RATIO * infer.median_s:
        found.append(
            f"inference times are noisy: one in ten took {infer.p90_s / infer.median_s:.1f} times the median or "
            "more; stop other programs and calibrate again"
        )
    if temperature_before_c is not None and temperature_before_c > HOT_C:
        found.append(f"the processor was at {temperature_before_c:.0f} °C before it began: let it cool down first")
    if load_frac is not None and load_frac > BUSY_FRAC:
        found.append(
            f"other programs used {load_frac:.0%} of the processor meanwhile; stop them and calibrate again"
        )
    return tuple(found)
