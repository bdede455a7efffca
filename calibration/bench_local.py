"""Times the local path piece by piece, through the very code that `classify` runs.

Decoding per format and size, preprocessing, encoding of the payload, inference per number of threads. Decides
nothing about what the figures mean.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from calibration import synthetic
from calibration.plan import Plan, Sampling, Size
from calibration.statistics import slope_through_origin, summary
from offload_sdk._profile import DecodeTiming, Timing

if TYPE_CHECKING:
    from offload_sdk._types import Payload
    from offload_sdk.model import InputSpec, ModelFile

__all__ = ["repeat", "time_decoding", "time_inference", "time_steps"]

_STEPS_SIZE = (1600, 1200)


def repeat(
    run: Callable[[], float], sampling: Sampling, clock: Callable[[], float] = time.perf_counter
) -> list[float]:
    """Collect what `run` returns until the sampling's budget is over."""
    samples: list[float] = []
    end_s = clock() + sampling.budget_s
    while len(samples) < sampling.most and (len(samples) < sampling.least or clock() < end_s):
        samples.append(run())
    return samples


def time_decoding(name: str, plan: Plan, spec: InputSpec) -> DecodeTiming:
    """Time the decoding of one format (`RGB`: taking over pixels in memory) at every size of the plan."""
    from offload_sdk.model import open_picture

    points, samples = [], 0
    for width, height in plan.sizes[name]:
        image = _input(name, (width, height))

        def decode(image: Any = image) -> float:
            timings: dict[str, float] = {}
            open_picture(image, spec).tensor(timings)
            return timings["decode"]

        timing = summary(repeat(decode, plan.picture))
        points.append((float(width * height), timing.median_s))
        samples += timing.samples
    return DecodeTiming(
        s_per_pixel=slope_through_origin(points),
        samples=samples,
        sizes_pixels=tuple(width * height for width, height in plan.sizes[name]),
    )


def time_steps(plan: Plan, spec: InputSpec, payload: Payload) -> tuple[Timing, Timing]:
    """Return preprocessing and payload encoding for a JPEG of 2 megapixels, decoded as `classify` decodes it."""
    from offload_sdk.model import open_picture

    image = _input("JPEG", _STEPS_SIZE)
    encode: list[float] = []

    def both() -> float:
        timings: dict[str, float] = {}
        opened = open_picture(image, spec, payload=payload)
        opened.tensor(timings)
        opened.payload(timings)
        encode.append(timings["encode"])
        return timings["preprocess"]

    both()  # the first call loads the codecs
    encode.clear()
    return summary(repeat(both, plan.picture)), summary(encode)


def time_inference(model: ModelFile, threads: int, plan: Plan) -> Timing:
    """Time inference with this many threads after a warm-up, in which the runtime packs the weights."""
    from offload_sdk.model import Classifier, open_picture

    tensor = open_picture(synthetic.picture(640, 480), model.spec).tensor({})
    classifier = Classifier(model, threads=threads)

    def infer() -> float:
        timings: dict[str, float] = {}
        classifier.infer(tensor, timings)
        return timings["infer"]

    try:
        repeat(infer, plan.warm_up)
        return summary(repeat(infer, plan.infer))
    finally:
        classifier.close()


def _input(name: str, size: Size) -> Any:
    image = synthetic.picture(*size)
    if name == "RGB":
        import numpy as np

        return np.asarray(image)
    return synthetic.encoded(image, name)
