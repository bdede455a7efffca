"""The profile file: what calibration measured on this device. Its schema, reading and writing, nothing else."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, model_validator

from offload_sdk._profile.parts import Count, Part, Seconds, Spread, Threads
from offload_sdk.errors import ConfigurationError

__all__ = ["DecodeTiming", "LinkTiming", "ProfileDocument", "Timing", "read_document", "save_profile"]


class Timing(Part):
    """A time that was measured `samples` times: median, 90th percentile and standard deviation in seconds."""

    samples: Count
    median_s: Seconds
    p90_s: Seconds
    sd_s: Spread


class DecodeTiming(Part):
    """The slope of decoding time over pixels, fitted through `samples` decodes of `sizes_pixels`."""

    s_per_pixel: Seconds
    samples: Count
    sizes_pixels: tuple[Count, ...]


class LinkTiming(Part):
    """The link to `url` as calibration saw it. `uplink_bytes_per_s` is None when no upload was accepted."""

    url: str
    rtt_s: Seconds
    rtt_samples: Count
    cold_connect_s: Seconds | None = None
    uplink_bytes_per_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    upload_samples: Annotated[int, Field(ge=0)] = 0


class ProfileDocument(Part):
    """What `calibrate` measured on one device with one model. `created_wall_s` is Unix time.

    `infer` is keyed by the number of threads, `decode` by Pillow's format name. `memory_bytes` is the resident
    set after the last inference. `threads` is the number that calibration picked.
    """

    schema_version: Literal[1] = 1
    created_wall_s: float
    sdk_version: str
    quick: bool
    board: str
    cores: Count
    governor: str | None
    runtime: str
    runtime_version: str
    python: str
    model: str
    model_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    threads: Threads
    infer: dict[Threads, Timing]
    preprocess: Timing
    encode: Timing
    decode: dict[str, DecodeTiming]
    memory_bytes: Count | None
    temperature_before_c: float | None
    temperature_after_c: float | None
    throttled: bool | None
    link: LinkTiming | None = None
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _complete(self) -> ProfileDocument:
        if self.threads not in self.infer:
            raise ValueError(f"no inference time for the {self.threads} threads that it names")
        if not self.decode:
            raise ValueError("no decoding time")
        return self


def read_document(path: Path) -> ProfileDocument | None:
    """Return the profile file as it stands, or None if there is none.

    Raises:
        ConfigurationError: it cannot be read or is not a profile; the message says to calibrate again.
    """
    try:
        return ProfileDocument.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        problem = error.strerror or str(error)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        problem = f"{where}: {first['msg']}" if where else first["msg"]
    raise ConfigurationError(
        f"the profile {path} cannot be used ({problem}); delete it or run `offload-sdk calibrate` again"
    )


def save_profile(path: Path, document: ProfileDocument) -> None:
    """Write the profile so that a reader, or a power cut, finds the old file or the new one, never a part.

    Raises:
        ConfigurationError: the folder cannot be written.
    """
    text = document.model_dump_json(indent=2) + "\n"
    temporary: str | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".tmp")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise ConfigurationError(
            f"the profile {path} cannot be written ({error.strerror or error}); "
            "set OFFLOAD_HOME to a folder that can be"
        ) from None
