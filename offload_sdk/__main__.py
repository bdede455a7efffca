"""`python -m offload_sdk` is the command `offload-sdk`."""

from __future__ import annotations

from offload_sdk.cli import main

if __name__ == "__main__":
    main()
