"""At which round trip a board's own inference overtakes the cloud. Pure; modelled, not measured.

Both paths decode the picture. Beyond that the device needs its preprocessing and inference, an upload its
encoding, bytes / rate, the server and one round trip. The board's figures are those of `calibration/profiles`, the
bytes and the server's time those that were measured.
"""

from __future__ import annotations

from offload_sdk._profile import reference_profile

__all__ = ["BOARDS", "break_even_rtt_s"]

BOARDS = {"Zero 2 W": "zero_2_w", "Pi 3B+": "pi_3b_plus", "Pi 4": "pi_4", "Pi 5": "pi_5", "x86 PC": "pc"}
"""The reference profiles by the names that pictures show, slowest first."""


def break_even_rtt_s(board: str, model: str, upload_s: float, server_s: float) -> float:
    """Return the round trip in seconds at which both are as fast; negative: the board wins at any distance.

    `board` is a key of `BOARDS`, `upload_s` the bytes of the payload over the link's rate.
    """
    profile = reference_profile(BOARDS[board], model=model)
    return profile.preprocess_s + profile.infer_s - profile.encode_s - upload_s - server_s
