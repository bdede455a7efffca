"""The models known by name, and the way from a name or a path to a file that can be run.

Google's MobileNetV3 archives are pinned by their SHA-256 and fetched only when somebody asks for it (`fetch`);
EfficientNet-Lite0 is built on the device. Nothing here opens a connection.
"""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from offload_sdk.errors import ModelError
from offload_sdk.model.describe import describe
from offload_sdk.model.labels import imagenet_names
from offload_sdk.model.spec import InputSpec, ModelFile, Normalisation

__all__ = ["AUTO", "CATALOGUE", "CatalogueEntry", "model_path", "resolve", "write_atomically"]

AUTO = "auto"
_OFFLINE, _PREFERRED = "efficientnet_lite0", "mobilenet_v3_large"


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueEntry:
    """A model by name.

    `url` is relative to the base address, None for a model that is built here. `member` is the one file taken
    out of the archive. `sha256` is the model file's, where known. `dtype` is the input's.
    `normalisation` None means raw pixels. `size_bytes` is about the model file's, where known: it tells a file
    that was cut short, for the price of a look.
    """

    name: str
    url: str | None
    member: str | None
    archive_sha256: str | None
    sha256: str | None
    spec: InputSpec
    dtype: str
    normalisation: Normalisation | None
    background: bool
    license: str
    note: str
    size_bytes: int | None = None


def _mobilenet(size: str, dtype: str, archive_sha256: str, sha256: str | None, note: str) -> CatalogueEntry:
    archive = f"v3-{size}_224_1.0_{'float' if dtype == 'float32' else dtype}"
    unit = Normalisation(mean=(127.5, 127.5, 127.5), std=(127.5, 127.5, 127.5))
    return CatalogueEntry(
        name=f"mobilenet_v3_{size}" + ("" if dtype == "float32" else f"_{dtype}"),
        url=f"{archive}.tgz",
        member=f"{archive}/{archive}.tflite",
        archive_sha256=archive_sha256,
        sha256=sha256,
        spec=InputSpec(),
        dtype=dtype,
        normalisation=unit if dtype == "float32" else None,
        background=True,
        license="Apache-2.0",
        note=note,
    )


_ENTRIES = (
    _mobilenet(
        "large",
        "float32",
        "9be8563f92022f412c82f2811d670888d6db998e2da9af3e71415fdde2f4f504",
        None,
        "The default once it is in the cache.",
    ),
    _mobilenet(
        "large",
        "uint8",
        "42cfd69fb70c48dde56dc3f2c872bdeb4fdc9beb3105e4b164dde7c49b7a2702",
        None,
        "Quantised: a quarter of the memory.",
    ),
    _mobilenet(
        "small",
        "float32",
        "e60ad9f450f892ae56f8b9122ffc750d88940d9e6b63f6dc70649179fb3a9065",
        None,
        "Some three times as fast as the large one, less accurate.",
    ),
    _mobilenet(
        "small",
        "uint8",
        "58ecd8c4c5b0a330f1d72c0a3d7bc6073ff771e14b052da336691246ee8e178f",
        "da341cf06fa50127a72dcbeb140ee5ee98013630aa044260a4c3d45c43fc89ce",
        "The smallest and fastest.",
    ),
    CatalogueEntry(
        name=_OFFLINE,
        url=None,
        member=None,
        archive_sha256=None,
        sha256="a93e6da1139b03dfcf249cc278120dcd557573274bf1e73df07b354cbc43f8bb",
        spec=InputSpec(),
        dtype="uint8",
        normalisation=None,
        background=False,
        license="Apache-2.0",
        note="Needs no download: built from an installed package on first use.",
        size_bytes=18_546_608,
    ),
)
CATALOGUE: dict[str, CatalogueEntry] = {entry.name: entry for entry in _ENTRIES}


def model_path(name: str, models_dir: Path) -> Path:
    """Where the cache keeps a model of the catalogue, whether it is there or not."""
    return models_dir / f"{name}.tflite"


def resolve(name_or_path: str | os.PathLike[str], models_dir: Path) -> ModelFile:
    """The model to run.

    Args:
        name_or_path: a name of the catalogue, `auto`, or the path of a `.tflite` file. `auto` is
            MobileNetV3-Large if it is in the cache, else EfficientNet-Lite0, which is built when first needed.
        models_dir: the cache.

    Raises:
        ModelError: there is no such model, it has not been fetched yet, or it is not an image classifier.
    """
    name = os.fspath(name_or_path)
    if name == AUTO:
        name = _PREFERRED if model_path(_PREFERRED, models_dir).is_file() else _OFFLINE
    entry = CATALOGUE.get(name)
    if entry is not None:
        return _from_catalogue(entry, models_dir)
    path = Path(name).expanduser()
    if not path.suffix and not path.exists():
        raise ModelError(
            f"There is no model called {name!r}. Use the path of a .tflite file, {AUTO}, or one of: "
            f"{', '.join(CATALOGUE)}."
        )
    return describe(path)


def _from_catalogue(entry: CatalogueEntry, models_dir: Path) -> ModelFile:
    path = model_path(entry.name, models_dir)
    if not _is_whole(path, entry):
        if entry.url is not None:
            raise ModelError(
                f"The model {entry.name} is not in {models_dir}; run `offload-sdk models pull {entry.name}`."
            )
        from offload_sdk.model.efficientnet import build_efficientnet_lite0

        built = build_efficientnet_lite0()
        _compare(built, entry)
        write_atomically(path, built)
    return ModelFile(
        name=entry.name,
        path=path,
        spec=entry.spec,
        labels=imagenet_names(),
        normalisation=entry.normalisation,
        background=entry.background,
        output="probabilities",
    )


def _is_whole(path: Path, entry: CatalogueEntry) -> bool:
    if not path.is_file():
        return False
    if entry.size_bytes is None or path.stat().st_size > 0.98 * entry.size_bytes:
        return True
    logging.getLogger("offload_sdk").warning("The model file %s is damaged and is made anew.", path)
    return False


def _compare(built: bytes, entry: CatalogueEntry) -> None:
    """Warns if the file is not the pinned one, but lets it run.

    The weights were verified before, and float64 rounds alike everywhere, so the numbers can hardly differ; but
    another release of flatbuffers may lay the same model out in other bytes, which is no reason to refuse it.
    """
    found = hashlib.sha256(built).hexdigest()
    if found != entry.sha256:
        logging.getLogger("offload_sdk").warning(
            "The model %s was built with SHA-256 %s, not %s; its answers may differ from those on other machines.",
            entry.name,
            found,
            entry.sha256,
        )


def write_atomically(path: Path, content: bytes) -> None:
    """Writes a whole file or none: readers, other writers and a power cut never leave half of one.

    Raises:
        ModelError: the folder cannot be written to, or the disk is full.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            os.chmod(temporary, 0o644)  # mkstemp makes it private, but a cache may serve several users
            os.replace(temporary, path)
        except BaseException:
            with suppress(OSError):
                os.unlink(temporary)
            raise
    except OSError as error:
        raise ModelError(
            f"The model cannot be stored as {path}: {error.strerror or error}. "
            "Free some space there or set OFFLOAD_HOME to another folder."
        ) from error
