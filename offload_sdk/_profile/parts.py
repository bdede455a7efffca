"""What the documents share: their base class and the kinds of numbers in them."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Count", "Part", "Seconds", "Spread", "Threads"]

Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Spread = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]
Threads = Annotated[int, Field(ge=1, le=1024)]


class Part(BaseModel):
    """A part of a document: immutable, and nothing unknown in it."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())
