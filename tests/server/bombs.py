"""Small files that are large once decoded, or slow, or not what they say. Made byte by byte, so that making them
costs nothing."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

from PIL import Image

BIG = 50 * 2**20


def saved(kind: str, size: tuple[int, int] = (64, 64), **options: object) -> bytes:
    stream = BytesIO()
    Image.new("RGB", size, (90, 120, 200)).save(stream, kind, **options)
    return stream.getvalue()


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width: int, height: int, extra: bytes = b"", pixels: bytes = b"") -> bytes:
    """A PNG of one grey byte a pixel; `extra` stands before its pixels."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + extra + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def small_png(extra: bytes) -> bytes:
    return png(64, 64, extra, zlib.compress(bytes(65 * 64)))


def jpeg_of(width: int, height: int) -> bytes:
    """A JPEG whose header claims this size."""
    data = bytearray(saved("JPEG"))
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(data)


def jpeg_of_odd_exif(tag: int) -> bytes:
    """A JPEG whose EXIF announces more for this tag than there is: Pillow warns, and names the tag."""
    exif = b"Exif\0\0II*\0" + struct.pack("<IHHHII", 8, 1, tag, 2, 9999, 50)
    data = saved("JPEG")
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + data[2:]


def jpeg_of_scans(count: int) -> bytes:
    """A progressive JPEG that repeats its last scan."""
    data = saved("JPEG", (4000, 4000), progressive=True, quality=30)
    at = data.rindex(b"\xff\xda")
    return data[:at] + data[at:-2] * count + data[-2:]


def gif_of(width: int, height: int) -> bytes:
    data = bytearray(saved("GIF"))
    data[6:10] = struct.pack("<HH", width, height)
    return bytes(data)


def gif_of_frames(count: int) -> bytes:
    stream = BytesIO()
    frames = [Image.new("P", (64, 64), number % 7) for number in range(count)]
    frames[0].save(stream, "GIF", save_all=True, append_images=frames[1:], disposal=2)
    return stream.getvalue()


def webp_of(width: int, height: int) -> bytes:
    data = bytearray(saved("WEBP", lossless=True))
    at = data.index(b"\x2f", 20) + 1
    bits = struct.unpack_from("<I", data, at)[0] & ~(2**28 - 1)
    struct.pack_into("<I", data, at, bits | (width - 1) | (height - 1) << 14)
    return bytes(data)


FLATE = zlib.compress(bytes(BIG))
TOO_MANY_PIXELS = {
    "PNG": png(10_000, 10_000, pixels=zlib.compress(bytes(10_001 * 10_000))),
    "PNG without pixels": png(10_000, 10_000),
    "JPEG": jpeg_of(10_000, 10_000),
    "GIF": gif_of(60_000, 60_000),
    "BMP": b"BM" + struct.pack("<IHHIIiiHHIIiiII", 200, 0, 0, 54, 40, 20_000, 20_000, 1, 24, 0, 0, 0, 0, 0, 0),
}
LARGE_WEBP = webp_of(16_000, 16_000)  # since Pillow 13 its decoder refuses before it tells the size
BAD = {
    "JPEG of scans": jpeg_of_scans(2000),
    "PNG cut off": png(64, 64, pixels=b"\x78\x9c"),
    "PNG of no size": png(0, 0),
    "TIFF": saved("TIFF"),
    "PPM": saved("PPM"),
    "SVG": b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>",
    "PostScript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
}
HARMLESS_ONCE_BOUNDED = {
    "iTXt": small_png(chunk(b"iTXt", b"a\0\1\0\0\0" + FLATE)),
    "zTXt": small_png(chunk(b"zTXt", b"a\0\0" + FLATE)),
    "ICC profile": small_png(chunk(b"iCCP", b"a\0\0" + FLATE)),
    "many texts": small_png(chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(900_000))) * 200),
    "GIF of frames": gif_of_frames(300),
}
