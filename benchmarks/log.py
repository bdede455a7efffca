"""What one row of the log costs: `python -m benchmarks.log [FOLDER]` prints times of `append` on this disk.

The folder matters: a log on an SD card and one in memory differ. Times are wall time of the calling thread.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

from benchmarks.results import Row, publish
from offload_sdk._types import Decision, Estimate, ImageInfo, Label, Latency, Outcome, Record, Snapshot
from offload_sdk.log import SqliteLog

_ROWS = 5000


def _record(number: int) -> Record:
    labels = tuple(Label(name=f"class {index}", probability=0.1234567, index=index) for index in range(3))
    parts = {"decode": 0.0123456789, "preprocess": 0.00123456789, "infer": 0.0456789012}
    estimates = {
        name: Estimate(
            option=name,
            path="local" if name == "local" else "remote",
            latency=Latency(mean_s=0.0591234567, sd_s=0.01234567),
            energy_j=0.123456789,
            energy_source="modelled",
            parts_s=parts,
        )
        for name in ("local", "cloud")
    }
    outcome = Outcome(
        option="local",
        path="local",
        status="success",
        role="answer",
        started_s=1234.56789012,
        latency_s=0.0591234567,
        timings=parts,
        labels=labels,
        model="mobilenet",
    )
    return Record(
        request_id=f"{number:032x}",
        wall_s=4e9 + number,
        image=ImageInfo(format="JPEG", width=1920, height=1080, encoded_bytes=345678),
        snapshot=Snapshot(taken_s=1234.5, battery_frac=0.5, cpu_load_frac=0.123456),
        decision=Decision(
            chosen="local",
            path="local",
            policy="auto",
            reason="local: 59 ms and 0.12 J against cloud: 80 ms and 0.05 J",
            predicted=estimates,
        ),
        outcomes=(outcome,),
        labels=labels,
        path="local",
        endpoint=None,
        model="mobilenet",
        latency_s=0.06,
        timings=parts,
        source="photos/some/picture.jpg",
    )


def main() -> None:
    where = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    with tempfile.TemporaryDirectory(dir=where) as folder:
        log = SqliteLog(Path(folder) / "log.sqlite3")
        stop = threading.Event()

        def upkeep() -> None:
            while not stop.wait(0.5):
                log.maintain()

        thread = threading.Thread(target=upkeep)
        thread.start()
        times_s = []
        for number in range(_ROWS):
            record = _record(number)
            started_s = time.perf_counter()
            log.append(record)
            times_s.append(time.perf_counter() - started_s)
        stop.set()
        thread.join()
        status = log.status()
        log.close()
    times_s.sort()
    result = {
        "rows": status["rows"],
        "append_p50_ms": statistics.median(times_s) * 1e3,
        "append_p99_ms": times_s[int(0.99 * _ROWS)] * 1e3,
        "append_max_ms": times_s[-1] * 1e3,
        "bytes_per_row": status["bytes"] / _ROWS,
        "pending": status["pending"],
    }
    publish(
        "log",
        [
            Row(name="append a row, median", value=result["append_p50_ms"], unit="ms"),
            Row(name="append a row, p99", value=result["append_p99_ms"], unit="ms"),
            Row(name="append a row, most", value=result["append_max_ms"], unit="ms"),
            Row(name="size of a row", value=result["bytes_per_row"], unit="bytes"),
            Row(name="rows that did not reach the file", value=_ROWS - result["rows"], unit="", bound=0.0),
        ],
    )


if __name__ == "__main__":
    main()
