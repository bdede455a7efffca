"""`/proc/net/wireless` and `/proc/net/route` as kernels print them, and as they should not."""

from __future__ import annotations

from pathlib import Path

import pytest

from offload_sdk.measure.signal import SignalReader, default_interface, parse_levels

pytestmark = pytest.mark.light

HEAD = (
    "Inter-| sta-|   Quality        |   Discarded packets               | Missed | WE\n"
    " face | tus | link level noise |  nwid  crypt   frag  retry   misc | beacon | 22\n"
)
WLAN0 = " wlan0: 0000   54.  -56.  -256        0      0      0     12      0        0\n"
WLAN1 = " wlan1: 0000   30.  -80.  -256        0      0      0     12      0        0\n"
QUALITY_ONLY = " wlan0: 0000   70.   55.   0.          0      0      0     12      0        0\n"

ROUTE_HEAD = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"


def route(interface: str, metric: int, destination: str = "00000000", mask: str = "00000000") -> str:
    return f"{interface}\t{destination}\t0101A8C0\t0003\t0\t0\t{metric}\t{mask}\t0\t0\t0\n"


def read(root: Path, wireless: str | None, routes: str | None) -> float | None:
    folder = root / "proc/net"
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in (("wireless", wireless), ("route", routes)):
        if content is not None:
            (folder / name).write_text(content)
    return SignalReader(root).read()


def test_level_of_the_default_route(tmp_path: Path) -> None:
    routes = ROUTE_HEAD + route("wlan1", 700) + route("wlan0", 600) + route("eth0", 100, "0001A8C0", "00FFFFFF")
    assert read(tmp_path, HEAD + WLAN0 + WLAN1, routes) == -56.0


def test_wired_default_route_has_no_signal(tmp_path: Path) -> None:
    assert read(tmp_path, HEAD + WLAN0, ROUTE_HEAD + route("eth0", 100) + route("wlan0", 600)) is None


def test_without_a_route_the_only_interface_counts(tmp_path: Path) -> None:
    assert read(tmp_path, HEAD + WLAN0, None) == -56.0
    assert read(tmp_path, HEAD + WLAN0 + WLAN1, ROUTE_HEAD) is None


def test_no_wireless_at_all(tmp_path: Path) -> None:
    assert read(tmp_path, None, None) is None
    assert read(tmp_path, HEAD, ROUTE_HEAD + route("wlan0", 600)) is None


def test_bare_quality_is_not_a_level() -> None:
    assert parse_levels(HEAD + QUALITY_ONLY) == {}


@pytest.mark.parametrize(
    "line",
    [
        " wlan0: 0000   0.   -256.  -256   0 0 0 0 0 0\n",  # not associated
        " wlan0: 0000   54.  loud  -256   0 0 0 0 0 0\n",
        " wlan0: 0000\n",
        "garbage\n",
        ":::\n",
        "\x00\xff\n",
    ],
)
def test_nonsense_is_passed_over(line: str) -> None:
    assert parse_levels(HEAD + line + WLAN1) == {"wlan1": -80.0}


@pytest.mark.parametrize("routes", ["", ROUTE_HEAD, ROUTE_HEAD + "wlan0\tzz\n", ROUTE_HEAD + "x" * 500])
def test_no_default_route(routes: str) -> None:
    assert default_interface(routes) is None


def test_a_route_that_is_down_or_partial_is_not_the_default() -> None:
    down = route("wlan0", 1).replace("0003", "0002")
    # 0.0.0.0/1, as VPNs set it: half the addresses, not all.
    half = route("tun0", 0, "00000000", "00000080")
    assert default_interface(ROUTE_HEAD + down + half + route("wlan1", 600)) == "wlan1"
