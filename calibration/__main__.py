"""`python -m calibration`: calibrates without the SDK's command line. Prints one line per step and the profile."""

from __future__ import annotations

import argparse
import json
import sys

from offload_sdk.errors import OffloadError


def main(arguments: list[str] | None = None) -> int:
    """Return the exit status: 0 done, 1 failed, 2 (by argparse) wrong usage."""
    parser = argparse.ArgumentParser(prog="python -m calibration", description="Measure this device.")
    parser.add_argument("--quick", action="store_true", help="under ten seconds on a PC, with fewer samples")
    parser.add_argument("--server", metavar="URL", help="measure the link to this server too")
    options = parser.parse_args(arguments)

    def tell(step: str, frac: float) -> None:
        print(f"{frac:4.0%} {step}", file=sys.stderr, flush=True)

    try:
        from calibration import calibrate
        from offload_sdk._config import OffloadConfig

        report = calibrate(OffloadConfig(), quick=options.quick, server_url=options.server, progress=tell)
    except OffloadError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(json.dumps(report.to_dict(), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
