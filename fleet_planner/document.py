"""What instances look like in files, checked: rows of devices, servers and links. No arrays and no reading here.

Units are in the names. What is left out is drawn, or taken from the source, by `assembly`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, StringConstraints

from fleet_planner.instance import PAYLOAD_BYTES

__all__ = ["CloudRow", "DeviceRow", "Document", "LinkRow", "ServerRow"]

_Id = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
_Amount = Annotated[FiniteFloat, Field(ge=0.0)]
_MB_PER_GB = 1024.0


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)


class _Place(_Row):
    """`ram_gb` counts 1,024 MB, and is looked at when there is no `ram_mb`."""

    id: _Id
    lat: Annotated[FiniteFloat, Field(ge=-90.0, le=90.0)]
    lon: Annotated[FiniteFloat, Field(ge=-180.0, le=360.0)]
    cores: _Amount | None = None
    ram_mb: _Amount | None = None
    ram_gb: _Amount | None = None

    @property
    def megabytes(self) -> float | None:
        if self.ram_mb is None and self.ram_gb is not None:
            return self.ram_gb * _MB_PER_GB
        return self.ram_mb


class DeviceRow(_Place):
    """One device. Its demand is the source's unless given."""


class ServerRow(_Place):
    """One edge server. `url` is passed through to the plan."""

    usd_per_h: _Amount | None = None
    url: str | None = None


class CloudRow(ServerRow):
    """One cloud: `municipal` ones are linked to the edge servers, the others to these."""

    kind: Literal["municipal", "on_demand"] | None = None


class LinkRow(_Row):
    """A directed link from an edge server or a cloud to a cloud."""

    tail: _Id = Field(alias="from")
    head: _Id = Field(alias="to")
    bandwidth_bps: Annotated[FiniteFloat, Field(ge=0.0)] | None = None


class Document(_Row):
    """A whole instance. Without `links`, edge servers reach municipal clouds and these the others."""

    devices: list[DeviceRow]
    edges: list[ServerRow]
    clouds: list[CloudRow] = []
    links: list[LinkRow] | None = None
    payload_bytes: Annotated[FiniteFloat, Field(gt=0.0)] = PAYLOAD_BYTES
