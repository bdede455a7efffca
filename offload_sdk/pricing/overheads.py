"""What is paid beside the machine that computes, a line each. No computing time."""

from __future__ import annotations

from offload_sdk.pricing.bill import Line
from offload_sdk.pricing.load import HOURS_PER_MONTH, Load, Running
from offload_sdk.pricing.platform import Platform
from offload_sdk.pricing.price_list import PriceList

__all__ = ["overhead_lines"]

_S_PER_H = 3600.0
_BYTES_PER_GB = 1e9


def overhead_lines(
    platform: Platform, load: Load, running: Running, prices: PriceList, *, load_balancer: bool = True
) -> tuple[Line, ...]:
    """Return a month's overheads of the network that `server_stub/deploy/terraform` describes.

    Units stand in a public subnet, each with an address of its own. A load balancer's capacity unit (LCU) is the
    greater of bytes and new connections; every image counts as a connection, which overstates a device that keeps
    its connection. Kept logs and the certificate are left out, as they cost next to nothing and nothing.
    """

    def line(name: str, amount: float, unit: str, figure: str) -> Line:
        return Line(name=name, amount=amount, unit=unit, usd_per_unit=prices.value(figure), overhead=True)

    images = load.images_per_month
    received_gb = images * load.received_bytes / _BYTES_PER_GB
    addresses = prices.value("load-balancer-addresses") if load_balancer else 0.0
    address_h = running.unit_h + addresses * HOURS_PER_MONTH
    lines = [
        line("public IPv4", address_h, "h", "public-ipv4-hour"),
        line("logs", images * prices.value("log-bytes") / _BYTES_PER_GB, "GB", "logs-gb"),
        line("image in the registry", prices.value("registry-gb"), "GB-month", "registry-gb-month"),
        line("egress", max(0.0, received_gb - prices.value("egress-free-gb-month")), "GB", "egress-gb"),
    ]
    if platform.kind == "ec2":
        disk_gb = prices.value("disk-gb") * running.unit_h / HOURS_PER_MONTH
        lines.insert(0, line("disk", disk_gb, "GB-month", "disk-gb-month"))
    if load_balancer:
        gb_per_h = load.images_per_s * (load.sent_bytes + load.received_bytes) * _S_PER_H / _BYTES_PER_GB
        lcus = max(
            gb_per_h / prices.value("lcu-gb-per-hour"), load.images_per_s / prices.value("lcu-connections-per-s")
        )
        lines.insert(0, line("load balancer", HOURS_PER_MONTH, "h", "load-balancer-hour"))
        lines.insert(1, line("load balancer's capacity", lcus * load.active_h, "LCU-h", "lcu-hour"))
    return tuple(lines)
