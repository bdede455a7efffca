"""Works out what any image-classification `.tflite` needs, from the file, its metadata and the files beside it.

For `NAME.tflite` these are looked at, the first that says something counts:

- labels: `NAME.json`, the label file embedded by TFLite metadata, `NAME.txt` or `labels.txt`, and for 1000 or 1001
  outputs the ImageNet names. A model whose labels are recognised as ImageNet's always gets *our* names, so that
  one class has one name whichever model answers.
- normalisation: `NAME.json`, TFLite metadata, else raw pixels for integer input and [-1, 1] for float input.

`NAME.json`, every key optional:

    {"labels": "my_labels.txt",      file with one name a line, or a list of names
     "background": false,            the first output means "nothing" and has no line in `labels`
     "mean": 127.5, "std": 127.5,    one number, or one for each channel: (pixel - mean) / std
     "order": "RGB",                 or "BGR"
     "crop_frac": 0.875,             side of the central square that is used, as a share of the short side
     "output": "probabilities"}      or "logits", if the file does not show it

With `task`, and then the task's own keys (`offload_sdk.tasks`), it may say that a model does something else; that
one is described by `describe_network`. Nothing is executed or downloaded here.
"""

from __future__ import annotations

import json
import math
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from offload_sdk._view import Fit
from offload_sdk.errors import ModelError
from offload_sdk.model.labels import IMAGENET_CLASSES, imagenet_names
from offload_sdk.model.spec import InputSpec, ModelFile, Normalisation
from offload_sdk.model.tflite_reader import TfliteFacts, read_tflite

__all__ = ["CLASSIFICATION", "describe", "describe_network", "label_names", "side_file"]

_INPUT_TYPES = ("float32", "uint8", "int8")
_OUTPUT_TYPES = ("float32", "uint8", "int8")
_SOFTMAX, _LOGISTIC = 25, 14
CLASSIFICATION = "classification"
_KEYS = {"labels", "background", "mean", "std", "order", "crop_frac", "output", "task"}
_TASK_KEYS = {"fit", "anchors", "min_score", "max_overlap"}
_SIGNED_UNIT = Normalisation(mean=(127.5, 127.5, 127.5), std=(127.5, 127.5, 127.5))
_MAX_LABEL_BYTES = 2**22


def describe(path: Path, name: str | None = None) -> ModelFile:
    """What is known of the classifier at `path`, called `name` or else after its file.

    Raises:
        ModelError: no such file, not a TFLite file, not an image classifier, or a side file is wrong.
    """
    facts = read_tflite(path)
    side = side_file(path)
    if (task := side.get("task", CLASSIFICATION)) != CLASSIFICATION:
        raise ModelError(f"{path} is not an image classifier: its task is {task!r}, {path.stem}.json says.")
    height, width, classes = _check_shapes(path, facts)
    labels, background = _labels(path, facts, side, classes)
    return ModelFile(
        name=name or path.stem,
        path=path,
        spec=InputSpec(width=width, height=height, crop_frac=_crop_frac(path, side)),
        labels=labels,
        background=background,
        normalisation=_normalisation(path, facts, side),
        output=_output(path, facts, side),
    )


def describe_network(path: Path, fit: Fit) -> ModelFile:
    """What is known of the model at `path`, which takes one picture, fitted into its input like this, and gives
    whatever it gives. Its `labels` are those that can be found, if any.

    Raises:
        ModelError: no such file, not a TFLite file, its input is no picture, or a side file is wrong.
    """
    facts = read_tflite(path)
    side = side_file(path)
    height, width = _picture_size(path, facts, "a model of one picture")
    return ModelFile(
        name=path.stem,
        path=path,
        spec=InputSpec(width=width, height=height, crop_frac=1.0, fit=fit),
        labels=label_names(path, facts, side) or (),
        normalisation=_normalisation(path, facts, side),
    )


def _picture_size(path: Path, facts: TfliteFacts, kind: str) -> tuple[int, int]:
    """Height, width."""
    if len(facts.inputs) != 1 or not facts.outputs:
        raise ModelError(
            f"{path} is not {kind}: it has {len(facts.inputs)} inputs and "
            f"{len(facts.outputs)} outputs, not one of each."
        )
    source = facts.inputs[0]
    if len(source.shape) != 4 or source.shape[0] != 1 or source.shape[3] != 3 or min(source.shape) < 1:
        raise ModelError(
            f"{path} is not {kind}: its input has the shape {list(source.shape)}, not [1, height, width, 3]."
        )
    if source.dtype not in _INPUT_TYPES:
        raise ModelError(f"{path} takes {source.dtype}; float32, uint8 and int8 are supported.")
    return source.shape[1], source.shape[2]


def _check_shapes(path: Path, facts: TfliteFacts) -> tuple[int, int, int]:
    """Height, width, number of outputs."""
    height, width = _picture_size(path, facts, "an image classifier")
    answer = facts.outputs[0]
    if answer.dtype not in _OUTPUT_TYPES:
        raise ModelError(f"{path} gives {answer.dtype}; float32, uint8 and int8 are supported.")
    classes = math.prod(answer.shape)
    if len(facts.outputs) != 1 or not answer.shape or answer.shape[-1] != classes or classes < 2:
        shapes = ", ".join(str(list(output.shape)) for output in facts.outputs)
        raise ModelError(
            f"{path} is not an image classifier: its output has the shape {shapes}, not [1, classes]; if it does"
            f" something else, {path.stem}.json beside it can name its `task`."
        )
    return height, width, classes


def side_file(path: Path) -> Mapping[str, Any]:
    """What `NAME.json` beside the model says; nothing if there is none. Raises: ModelError if it is wrong."""
    side = path.with_suffix(".json")
    try:
        content = json.loads(side.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{side} cannot be read: {error}.") from error
    if not isinstance(content, dict):
        raise ModelError(f"{side} must hold one JSON object.")
    known = _KEYS | _TASK_KEYS if "task" in content else _KEYS
    if unknown := sorted(set(content) - known):
        raise ModelError(f"{side} has unknown keys: {', '.join(unknown)}; known are {', '.join(sorted(known))}.")
    return content


def _labels(path: Path, facts: TfliteFacts, side: Mapping[str, Any], classes: int) -> tuple[tuple[str, ...], bool]:
    """The names, and whether the model's first output is the background, which has none."""
    names = label_names(path, facts, side)
    imagenet = imagenet_names()
    if names is None:
        if classes in (IMAGENET_CLASSES, IMAGENET_CLASSES + 1):
            return imagenet, classes > IMAGENET_CLASSES
        raise ModelError(
            f"{path} has {classes} classes and no names for them; put one name a line into "
            f"{path.with_suffix('.txt')}."
        )
    background = bool(side.get("background", False))
    if not background and len(names) == classes and names[0].lower() == "background":
        names, background = names[1:], True
    if len(names) + background != classes:
        raise ModelError(f"{path} has {classes} outputs, but there are {len(names)} labels for it.")
    if len(names) == IMAGENET_CLASSES and _starts_alike(names, imagenet):
        return imagenet, background
    return names, background


def _starts_alike(names: tuple[str, ...], imagenet: tuple[str, ...]) -> bool:
    """Nine in ten begin like ImageNet's, in the same order: lists differ in synonyms and spelling."""
    alike = sum(name.lower().startswith(ours.lower()) for name, ours in zip(names, imagenet, strict=True))
    return alike >= 0.9 * len(imagenet)


def label_names(path: Path, facts: TfliteFacts, side: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The names of the classes, wherever they stand; None if they stand nowhere."""
    given = side.get("labels")
    if isinstance(given, list) and all(isinstance(name, str) for name in given):
        return tuple(given)
    if isinstance(given, str):
        return _read_labels(path.parent / given)
    if given is not None:
        raise ModelError(f"{path.with_suffix('.json')}: labels must be a file name or a list of names.")
    if facts.metadata is not None and facts.metadata.label_files:
        return _embedded_labels(path, facts.metadata.label_files[0])
    for beside in (path.with_suffix(".txt"), path.with_name("labels.txt")):
        if beside.is_file():
            return _read_labels(beside)
    return None


def _read_labels(path: Path) -> tuple[str, ...]:
    try:
        return _lines(path.read_bytes(), path)
    except (OSError, ValueError) as error:  # ValueError: NUL in the name
        raise ModelError(f"The labels cannot be read: {error}.") from error


def _embedded_labels(path: Path, member: str) -> tuple[str, ...]:
    """TFLite metadata appends its files to the model as a ZIP archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.getinfo(member).file_size > _MAX_LABEL_BYTES:
                raise ModelError(f"{path}: its embedded labels are larger than any list of names.")
            return _lines(archive.read(member), path)
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, OSError, RuntimeError, ValueError) as error:
        raise ModelError(f"{path} names a label file {member}, but does not hold it: {error}.") from error


def _lines(content: bytes, path: Path) -> tuple[str, ...]:
    """One name a line; `number:name` and `number name`, in order, are understood too."""
    try:
        lines = [line.strip() for line in content.decode("utf-8-sig").splitlines()]
    except UnicodeDecodeError as error:
        raise ModelError(f"The labels of {path} are not text in UTF-8: {error}.") from error
    while lines and not lines[-1]:
        lines.pop()
    for separator in (":", " "):
        parts = [line.partition(separator) for line in lines]
        if lines and all(head == str(number) for number, (head, _, _) in enumerate(parts)):
            return tuple(name.strip() for _, _, name in parts)
    return tuple(lines)


def _normalisation(path: Path, facts: TfliteFacts, side: Mapping[str, Any]) -> Normalisation | None:
    integer = facts.inputs[0].dtype != "float32"
    order = side.get("order", "RGB")
    if order not in ("RGB", "BGR"):
        raise ModelError(f"{path.with_suffix('.json')}: order must be RGB or BGR, not {order!r}.")
    default = None if integer else _SIGNED_UNIT
    if "mean" in side or "std" in side:
        mean, std = side.get("mean", 0.0), side.get("std", 1.0)
    elif facts.metadata is not None and facts.metadata.mean and facts.metadata.std:
        mean, std = list(facts.metadata.mean), list(facts.metadata.std)
    elif order == "RGB":
        return default
    else:
        mean, std = (0.0, 1.0) if integer else (127.5, 127.5)
    values = Normalisation(mean=_channels(path, mean), std=_channels(path, std), bgr=order == "BGR")
    if 0.0 in values.std:
        raise ModelError(f"{path}: the standard deviation for its input must not be 0.")
    return values


def _channels(path: Path, value: Any) -> tuple[float, float, float]:
    given = value if isinstance(value, list) else [value]
    try:
        numbers = [float(n) for n in given if isinstance(n, (int, float))]
    except OverflowError as error:  # an integer of hundreds of digits
        raise ModelError(f"{path}: mean and std must be numbers of ordinary size.") from error
    if len(numbers) == len(given) and len(given) in (1, 3) and all(map(math.isfinite, numbers)):
        first, second, third = numbers if len(numbers) == 3 else numbers * 3
        return first, second, third
    raise ModelError(f"{path}: mean and std must be one number or three, not {value!r}.")


def _crop_frac(path: Path, side: Mapping[str, Any]) -> float:
    value = side.get("crop_frac", InputSpec().crop_frac)
    if not isinstance(value, (int, float)) or not 0.0 < value <= 1.0:
        raise ModelError(f"{path.with_suffix('.json')}: crop_frac must be above 0 and at most 1, not {value!r}.")
    return float(value)


def _output(path: Path, facts: TfliteFacts, side: Mapping[str, Any]) -> Literal["probabilities", "logits"] | None:
    given = side.get("output")
    if given == "probabilities" or given == "logits":
        return given  # type: ignore[no-any-return]  # one of the two, as just compared
    if given is not None:
        raise ModelError(f"{path.with_suffix('.json')}: output must be probabilities or logits, not {given!r}.")
    return "probabilities" if facts.last_operator in (_SOFTMAX, _LOGISTIC) else None
