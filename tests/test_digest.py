"""`Content-Digest`: what one side writes the other reads; any value, however odd, is either read or refused."""

from __future__ import annotations

import base64
import hashlib
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offload_sdk.digest import DigestCheck, format_digest, parse_digests

pytestmark = pytest.mark.light

EMPTY = "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"
OF_HELLO = "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"
"""Of `{"hello": "world"}` and a line feed: the example of RFC 9530, appendix D."""


def sha512(content: bytes) -> str:
    return f"sha-512=:{base64.b64encode(hashlib.sha512(content).digest()).decode()}:"


def test_the_examples_of_the_standard() -> None:
    assert format_digest(b'{"hello": "world"}\n') == OF_HELLO
    assert format_digest(b"") == EMPTY


@given(content=st.binary(max_size=300), cuts=st.lists(st.integers(0, 300), max_size=4))
def test_content_in_any_pieces_is_what_was_announced_and_no_other(content: bytes, cuts: list[int]) -> None:
    check = DigestCheck(parse_digests(f"{format_digest(content)}, {sha512(content)}"))
    places = [0, *sorted(min(cut, len(content)) for cut in cuts), len(content)]
    for start, end in itertools.pairwise(places):
        check.update(content[start:end])
    assert check.holds
    check.update(b"x")
    assert not check.holds


def test_every_digest_that_is_known_must_hold() -> None:
    for value in (f"{format_digest(b'this')}, {sha512(b'that')}", f"{sha512(b'this')}, {format_digest(b'that')}"):
        check = DigestCheck(parse_digests(value))
        check.update(b"this")
        assert not check.holds


@pytest.mark.parametrize(
    "value",
    [
        OF_HELLO,
        f"  {OF_HELLO}  ",
        OF_HELLO.replace("Dg=:", "Dg:"),
        f"md5=:1B2M2Y8AsgTpgAmY7PhCfg==: , {OF_HELLO}",
        f'{OF_HELLO};q=1;note="a, \\"b\\"" ,\t*odd.name-1=:AA==:;x',
        f"{EMPTY}, {OF_HELLO}",
    ],
)
def test_what_is_read(value: str) -> None:
    assert parse_digests(value) == {"sha-256": hashlib.sha256(b'{"hello": "world"}\n').digest()}


@pytest.mark.parametrize("value", ["", " ", "md5=:1B2M2Y8AsgTpgAmY7PhCfg==:", "SHA=:AA==:".lower()])
def test_nothing_known_is_nothing_announced(value: str) -> None:
    assert parse_digests(value) == {}
    assert DigestCheck({}).holds


@pytest.mark.parametrize(
    "value",
    [
        "sha-256",
        "sha-256=:",
        "sha-256=::",
        "sha-256=47DEQpj8",
        "SHA-256" + EMPTY[7:],
        EMPTY.replace("47", "4 7"),
        EMPTY.replace("47", "4é"),
        EMPTY + ",",
        EMPTY + EMPTY,
        f"{EMPTY},,{EMPTY}",
        "sha-256=:AAAA:",
        "sha-256=:A:",
        "sha-512" + EMPTY[7:],
        'sha-256="47DE"',
    ],
)
def test_what_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match=r"sha-|base64|comma"):
        parse_digests(value)


@given(st.text(alphabet='sha-256=:,; \t"\\AZ+/é*.', max_size=80) | st.text(max_size=40))
def test_no_text_raises_anything_else(value: str) -> None:
    try:
        found = parse_digests(value)
    except ValueError:
        return
    assert set(found) <= {"sha-256", "sha-512"}


def test_a_long_value_takes_no_long_time() -> None:
    for value in ("sha-256=:" + "A" * 30_000, EMPTY + ";a" * 15_000 + '"', EMPTY + ';a="' + "\\\\" * 15_000):
        with pytest.raises(ValueError, match=r"sha-|comma"):
            parse_digests(value)
