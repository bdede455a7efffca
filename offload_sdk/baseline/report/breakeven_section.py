"""The part of the page that says when the cloud wins: sentences, a table, two pictures. Solves nothing."""

from __future__ import annotations

from offload_sdk.baseline.report.breakeven import Board, Cloud
from offload_sdk.baseline.report.breakeven_chart import RTTS_S, round_trips, sizes
from offload_sdk.baseline.report.inputs import Inputs
from offload_sdk.baseline.report.numbers import rounded, seconds, size
from offload_sdk.baseline.report.section import Drawing, Section
from offload_sdk.baseline.report.tables import Table
from offload_sdk.baseline.summary import Summary

__all__ = ["break_even"]

_MBPS, _RTT_S, _RTT = 10.0, 0.02, "20 ms"
_BYTES_PER_S = 1e6 / 8.0 * _MBPS
_NEVER = "never"


def break_even(summary: Summary, found: Inputs) -> Section:
    """Modelled from what was measured, where it was, and from published figures."""
    return Section(
        anchor="break-even",
        title="When the cloud is faster",
        text=(
            "Modelled, not measured: the time of a request as the SDK's estimators have it, which is preparing, "
            "round trip, bytes over the uplink's rate and the server's time, against the device's own time.",
            *(_sentence(cloud, found) for cloud in found.clouds),
        ),
        tables=(_table(found),),
        drawings=(
            Drawing(
                name="figure_14_break_even_round_trip",
                title="Figure 14. Break-even round trip",
                caption="Below a board's line the cloud answers sooner. Stars are the links of this experiment. "
                "Where the right panel is higher, the server's decoding saves more than the bytes cost.",
                alt="Round trip below which the cloud is faster, over the uplink's rate, a line per board.",
                figure=round_trips(found, _links(summary)),
            ),
            Drawing(
                name="figure_15_break_even_size",
                title="Figure 15. Break-even image size",
                caption="Original files below a board's line are answered sooner by the cloud; right of where a "
                "line leaves the top, files of any size are.",
                alt="Size of the original file below which the cloud is faster, over the uplink's rate, at round "
                f"trips of {' and '.join(f'{1e3 * rtt_s:.0f} ms' for rtt_s in RTTS_S)}, a line per board.",
                figure=sizes(found),
            ),
        ),
        notes=found.named,
    )


def _sentence(cloud: Cloud, found: Inputs) -> str:
    what = "the SDK's payload" if cloud.payload == "sdk" else f"an original file of {size(found.size_bytes)}"
    wins = {board.name: cloud.rtt_s(board, found.size_bytes, _BYTES_PER_S) for board in found.boards}
    told = [f"{name} below {seconds(rtt_s)} of round trip" for name, rtt_s in wins.items() if rtt_s is not None]
    against = (
        f"the cloud is faster than {', '.join(told)}" if told else "the cloud is faster than none of these boards"
    )
    never = [name for name, rtt_s in wins.items() if rtt_s is None]
    rest = f"; at no round trip than {', '.join(never)}" if told and never else ""
    return f"At {_MBPS:.0f} Mbit/s, and given {what}, {against}{rest}."


def _table(found: Inputs) -> Table:
    return Table(
        title="When the cloud is faster (modelled)",
        columns=(
            "Board",
            f"Local, {size(found.size_bytes)}",
            f"SDK payload: round trip at {_MBPS:.0f} Mbit/s",
            f"SDK payload: uplink at {_RTT}",
            f"Original: uplink at {_RTT}",
            f"Original: file at {_MBPS:.0f} Mbit/s and {_RTT}",
        ),
        cells=tuple(_row(board, found) for board in found.boards),
    )


def _row(board: Board, found: Inputs) -> tuple[str, ...]:
    sdk, original = found.clouds
    rtt_s = sdk.rtt_s(board, found.size_bytes, _BYTES_PER_S)
    return (
        board.name,
        seconds(board.local_s.at(found.size_bytes)),
        _NEVER if rtt_s is None else f"below {seconds(rtt_s)}",
        *(_uplink(cloud.bytes_per_s(board, found.size_bytes, _RTT_S)) for cloud in (sdk, original)),
        _size(original, board),
    )


def _uplink(bytes_per_s: float | None) -> str:
    return _NEVER if bytes_per_s is None else f"above {rounded(bytes_per_s * 8.0 / 1e6)} Mbit/s"


def _size(cloud: Cloud, board: Board) -> str:
    won = cloud.size(board, _RTT_S, _BYTES_PER_S)
    if won.side == "below":
        return f"below {size(won.size_bytes)}" if won.size_bytes else _NEVER
    return f"above {size(won.size_bytes)}" if won.size_bytes else "any"


def _links(summary: Summary) -> list[tuple[float, float]]:
    """Return round trip (s) and rate (byte/s) of the links that were measured."""
    pairs = [(link.get("rtt_s"), link.get("uplink_bytes_per_s")) for link in summary.links.values()]
    return [(rtt, rate) for rtt, rate in pairs if isinstance(rtt, float) and isinstance(rate, float)]
