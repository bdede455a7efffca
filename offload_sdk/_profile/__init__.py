"""The profile of a device: the file that calibration writes, and the published figures used until there is one.

Two documents, both validated here and nowhere else: `ProfileDocument`, measured on this device, in the home
folder; `ReferenceDocument`, one per known board, shipped in `calibration/profiles/`. Both end as
`_types.Profile`, which is all that the estimators see. No measuring, no models.
"""

from __future__ import annotations

from offload_sdk._profile.board import board_name
from offload_sdk._profile.choose import DEFAULT_MODEL, load_profile, profile_for, reference_profile
from offload_sdk._profile.document import (
    DecodeTiming,
    LinkTiming,
    ProfileDocument,
    Timing,
    read_document,
    save_profile,
)
from offload_sdk._profile.reference import Figure, ReferenceDocument, reference_document, reference_names

__all__ = [
    "DEFAULT_MODEL",
    "DecodeTiming",
    "Figure",
    "LinkTiming",
    "ProfileDocument",
    "ReferenceDocument",
    "Timing",
    "board_name",
    "load_profile",
    "profile_for",
    "read_document",
    "reference_document",
    "reference_names",
    "reference_profile",
    "save_profile",
]
