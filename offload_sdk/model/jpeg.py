"""Takes the metadata out of a JPEG file without touching its pixels. Pure: bytes in, bytes out, no decoding.

Markers as in ITU-T T.81, annex B.
"""

from __future__ import annotations

import re

__all__ = ["strip_metadata"]

_SOI, _EOI, _SOS, _APP0, _APP14 = 0xD8, 0xD9, 0xDA, 0xE0, 0xEE
# Frames, tables of both codings, restart interval, scans, lines: without them there is no picture.
_OF_THE_PICTURE = frozenset(range(0xC0, 0xD0)) - {0xC8} | {_SOS, 0xDB, 0xDC, 0xDD}
# In entropy-coded data FF 00 is a stuffed byte and D0..D7 restart the decoder; anything else ends the scan.
_END_OF_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_JFIF_BYTES = 16  # the segment without its thumbnail, from its length on
_ADOBE_BYTES = 14  # likewise, without what may follow


def strip_metadata(original: bytes) -> bytes | None:
    """The same picture without EXIF, XMP, ICC profile, comments, thumbnails, and whatever follows its end.

    Kept is what its pixels are made of, and of the rest the fixed fields of the JFIF header and of Adobe's APP14,
    which say how the colours are stored. None if the bytes are not one complete JPEG stream.
    """
    if original[:2] != bytes((0xFF, _SOI)):
        return None
    kept = [original[:2]]
    at = 2
    while at + 4 <= len(original) or original[at : at + 2] == bytes((0xFF, _EOI)):
        if original[at] != 0xFF:
            return None
        marker = original[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
            continue
        if marker == _EOI:
            kept.append(original[at : at + 2])
            return b"".join(kept)
        end = at + 2 + int.from_bytes(original[at + 2 : at + 4], "big")
        if marker < 0xC0 or end > len(original) or end < at + 4:
            return None
        if marker == _SOS:
            found = _END_OF_SCAN.search(original, end)
            if found is None:
                return None
            end = found.start()
        kept.append(_without_metadata(marker, original[at:end]))
        at = end
    return None


def _without_metadata(marker: int, segment: bytes) -> bytes:
    if marker == _APP0 and segment[4:9] == b"JFIF\0" and len(segment) >= 2 + _JFIF_BYTES:
        # The header of 14 bytes; a thumbnail behind it would show the picture before it was edited.
        return segment[:2] + _JFIF_BYTES.to_bytes(2, "big") + segment[4:16] + b"\0\0"
    if marker == _APP14 and segment[4:9] == b"Adobe" and len(segment) >= 2 + _ADOBE_BYTES:
        return segment[:2] + _ADOBE_BYTES.to_bytes(2, "big") + segment[4 : 2 + _ADOBE_BYTES]
    return segment if marker in _OF_THE_PICTURE else b""
