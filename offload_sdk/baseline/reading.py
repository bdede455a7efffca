"""What one image at one target came to, before it has its place in the experiment."""

from __future__ import annotations

from dataclasses import dataclass

from offload_sdk._types import Outcome
from offload_sdk.baseline.images import ImageFile
from offload_sdk.baseline.measurement import Key, Measurement

__all__ = ["Reading"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """`failure` is one word, `error` a sentence; both None where there was an answer. `outcome` is None if the
    image could not be used at all."""

    latency_s: float
    failure: str | None = None
    error: str | None = None
    outcome: Outcome | None = None

    @classmethod
    def of(cls, latency_s: float, outcome: Outcome) -> Reading:
        failure = None if outcome.answered else outcome.error_kind or "failed"
        return cls(latency_s=latency_s, failure=failure, error=outcome.error, outcome=outcome)

    def at(self, key: Key, image: ImageFile, *, position: int, began_wall_s: float) -> Measurement:
        place = {**key._asdict(), "position": position, "began_wall_s": began_wall_s}
        outcome = self.outcome
        if outcome is None:
            return Measurement(
                **place, latency_s=self.latency_s, failure=self.failure, image_bytes=image.size_bytes
            )
        return Measurement(
            **place,
            latency_s=self.latency_s,
            failure=self.failure,
            image_bytes=image.size_bytes,
            sent_bytes=outcome.sent_bytes,
            received_bytes=outcome.received_bytes,
            server_s=outcome.timings.get("server"),
            energy_j=outcome.energy_j,
            energy_source=outcome.energy_source,
            label=outcome.labels[0].name if outcome.labels else None,
            model=outcome.model,
        )
