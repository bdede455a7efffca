"""What the journal's lines say: how the experiment began, which targets it has, what was measured. No file here.

An experiment may be continued and grow, by targets and by repetitions; what would make two experiments of it is
refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from offload_sdk._types import OptionPath
from offload_sdk.baseline.images import ImageFile
from offload_sdk.baseline.measurement import Key, Measurement
from offload_sdk.baseline.targets import TargetSpec
from offload_sdk.errors import ConfigurationError, OffloadError

__all__ = ["Begun", "History", "Line", "Measured", "Session", "TargetLine", "read_line", "write_line"]

_OTHER_OUT = "or give another folder with --out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """The first line: what must stay as it is. `images` holds size and SHA-256 by name, `board` the device."""

    kind: Literal["begun"] = "begun"
    version: Literal[1] = 1
    seed: int
    board: str
    images: Mapping[str, tuple[int, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetLine:
    """A target, when it is first measured. `model` is what the device runs; a server tells its own each time."""

    kind: Literal["target"] = "target"
    name: str
    path: OptionPath
    url: str | None
    model: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Machine and links when a process began to measure, and again when it ended."""

    kind: Literal["session"] = "session"
    machine: Mapping[str, Any]
    links: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    kind: Literal["measured"] = "measured"
    measurement: Measurement


Line = Begun | TargetLine | Session | Measured
_LINES: TypeAdapter[Line] = TypeAdapter(Annotated[Line, Field(discriminator="kind")])


def read_line(data: bytes) -> Line:
    """Raises `ValueError` for what is no JSON, and `OffloadError` for a line of another version."""
    document = json.loads(data)
    try:
        return _LINES.validate_python(document)
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise OffloadError(
            f"the journal has a line that this version does not understand ({where}); use the version that wrote "
            f"it, {_OTHER_OUT}"
        ) from None


def write_line(line: Line) -> bytes:
    return json.dumps(asdict(line), separators=(",", ":")).encode("ascii")


@dataclass(slots=True)
class History:
    """All that is known of the experiment so far; `add` takes what is new."""

    begun: Begun | None = None
    targets: dict[str, TargetLine] = field(default_factory=dict)
    measurements: dict[Key, Measurement] = field(default_factory=dict)
    machine: dict[str, Any] = field(default_factory=dict)
    links: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, lines: Iterable[Line]) -> History:
        history = cls()
        for line in lines:
            history.add(line)
        return history

    def add(self, line: Line) -> None:
        match line:
            case Begun():
                self.begun = line
            case TargetLine():
                self.targets[line.name] = line
            case Session():
                before = {name: value for name, value in self.machine.items() if "_before" in name}
                self.machine = {**self.machine, **line.machine, **before}
                self.links.update(line.links)
            case Measured():
                self.measurements[line.measurement.key] = line.measurement

    def begin(self, images: Iterable[ImageFile], seed: int, board: str) -> Begun | None:
        """Return the first line to write, None if it stands there already.

        Raises `ConfigurationError` if the experiment was begun with other images, another seed or device.
        """
        new = Begun(
            seed=seed, board=board, images={image.name: (image.size_bytes, image.sha256) for image in images}
        )
        old = self.begun
        if old is None:
            return new
        if old.board != board:
            raise ConfigurationError(
                f"this experiment was begun on another device ({old.board}); continue it there, {_OTHER_OUT}"
            )
        if old.seed != seed:
            raise ConfigurationError(
                f"this experiment was begun with --seed {old.seed}; continue it with that, {_OTHER_OUT}"
            )
        if old.images != new.images:
            raise ConfigurationError(
                f"the images are not those that this experiment was begun with ({_difference(old, new)}); bring "
                f"them back, {_OTHER_OUT}"
            )
        return None

    def meet(self, spec: TargetSpec, model: str | None) -> TargetLine | None:
        """Return the line to write for a target, None if it stands there. Raises `ConfigurationError` if the name
        stood for something else."""
        old = self.targets.get(spec.name)
        new = TargetLine(name=spec.name, path=spec.path, url=spec.url, model=model)
        if old is None:
            return new
        if (old.path, old.url) != (new.path, new.url):
            raise ConfigurationError(
                f"target {spec.name!r} was {old.url or 'this device'} in this experiment; call {spec.url} by "
                f"another name, {_OTHER_OUT}"
            )
        if old.model != new.model:
            raise ConfigurationError(
                f"this experiment was begun with the model {old.model} on the device; set "
                f"OFFLOAD_MODEL={old.model}, {_OTHER_OUT}"
            )
        return None


def _difference(old: Begun, new: Begun) -> str:
    changed = {name for name in old.images.keys() & new.images.keys() if old.images[name] != new.images[name]}
    found = (
        ("missing", old.images.keys() - new.images.keys()),
        ("new", new.images.keys() - old.images.keys()),
        ("changed", changed),
    )
    return ", ".join(f"{len(names)} {what}, such as {min(names)}" for what, names in found if names)
