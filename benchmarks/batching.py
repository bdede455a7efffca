"""Whether a model gains if pictures are inferred together: `python -m benchmarks.batching [--model M] [--json]`.

CPU milliseconds a picture at batches of 1, 2, 4 and 8, on one thread as the server's workers run it, and how much
less than alone (the median over rounds in which the sizes alternate, so that a busy machine disturbs all alike).
Only the inference: decoding gains nothing. A worker is given several pictures at once where its engine says that
it gains (`BatchEngine`); below 10 % it is not worth that each waits for all.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.photographs import SHARED
from offload_sdk.model import ModelFile, resolve, runtime_name
from offload_sdk.model.runtime import new_interpreter

_SIZES = (1, 2, 4, 8)
_WORTH_FRAC = 0.10


def resized(model: ModelFile, size: int, rng: np.random.Generator) -> Any:
    """An interpreter that has run once on `size` random pictures. Raises RuntimeError if the model is not able."""
    interpreter = new_interpreter(model.path, 1)
    source = interpreter.get_input_details()[0]
    shape = (size, *(int(side) for side in source["shape"][1:]))
    interpreter.resize_tensor_input(source["index"], shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(source["index"], rng.integers(0, 255, shape).astype(source["dtype"]))
    interpreter.invoke()
    return interpreter


def measure(model: ModelFile, rounds: int) -> dict[int, list[float]]:
    """CPU seconds a picture, by batch size and round. Sizes that the model cannot do are missing."""
    rng = np.random.default_rng(1)
    interpreters: dict[int, Any] = {}
    with contextlib.suppress(RuntimeError, ValueError):
        for size in _SIZES:
            interpreters[size] = resized(model, size, rng)
    times_s: dict[int, list[float]] = {size: [] for size in interpreters}
    for _ in range(rounds):
        for size, interpreter in interpreters.items():
            began_s = time.thread_time()
            for _ in range(_SIZES[-1] // size):
                interpreter.invoke()
            times_s[size].append((time.thread_time() - began_s) / _SIZES[-1])
    return times_s


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.batching", description=__doc__)
    parser.add_argument("--model", action="append", help="catalogue name or path of a .tflite; several times")
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    models = options.model or ["efficientnet_lite0", *map(str, sorted((SHARED / "models").glob("*.tflite")))]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name in models:
            model = resolve(name, Path(folder))
            times_s = measure(model, options.rounds)
            for size in _SIZES:
                if size not in times_s:
                    rows.append({"model": model.name, "batch": size, "cpu_s": None, "gain_frac": None})
                    continue
                ratios = [many / one for many, one in zip(times_s[size], times_s[1], strict=True)]
                rows.append(
                    {
                        "model": model.name,
                        "batch": size,
                        "cpu_s": statistics.median(times_s[size]),
                        "gain_frac": 1.0 - statistics.median(ratios),
                    }
                )
    if options.json:
        print(json.dumps({"runtime": runtime_name(), "worth_frac": _WORTH_FRAC, "rows": rows}))
        return
    print(f"{runtime_name()}, one thread, {options.rounds} rounds; a batch is worth it from {_WORTH_FRAC:.0%}")
    for row in rows:
        if row["cpu_s"] is None:
            print(f"{row['model']:<32} batch {row['batch']}: the model takes no batch of this size")
            continue
        verdict = "worth it" if row["gain_frac"] >= _WORTH_FRAC else ""
        print(
            f"{row['model']:<32} batch {row['batch']}: {row['cpu_s'] * 1e3:7.2f} ms CPU a picture, "
            f"{row['gain_frac']:6.1%} less than alone {verdict}".rstrip()
        )


if __name__ == "__main__":
    main()
