"""HTTPS and client certificates, with authorities made for these; and the SDK as the client of such a server."""

from __future__ import annotations

import contextlib
import shutil
import socket
import ssl
import time
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
import requests
import trustme
from cryptography.hazmat.primitives import serialization
from cryptography.x509 import load_pem_x509_certificate
from offload_kit import jpeg, make

from offload_sdk import RemoteError
from offload_sdk.errors import ConfigurationError
from offload_sdk.execute.exchange import HttpSession
from offload_sdk.testing import FakeClock
from server_stub.settings import ServerSettings
from server_stub.tls import server_context, tls_contexts

PAST = datetime(2020, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True)
class Identity:
    cert: Path
    key: Path


def issue(authority: trustme.CA, folder: Path, name: str, **options: object) -> Identity:
    folder.mkdir(parents=True, exist_ok=True)
    issued = authority.issue_cert("127.0.0.1", **options)  # type: ignore[arg-type]
    identity = Identity(folder / f"{name}.pem", folder / f"{name}.key")
    identity.cert.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    identity.key.write_bytes(issued.private_key_pem.bytes())
    identity.key.chmod(0o600)
    return identity


@dataclass(frozen=True)
class Site:
    """An authority with a server's and a device's certificate, and another authority that nobody trusts."""

    folder: Path
    authority: trustme.CA
    stranger: trustme.CA
    ca: Path
    server: Identity
    device: Identity

    def settings(self, **more: object) -> dict[str, object]:
        return {"tls_cert": self.server.cert, "tls_key": self.server.key, **more}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    folder = tmp_path_factory.mktemp("site")
    authority, stranger = trustme.CA(), trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    return Site(
        folder=folder,
        authority=authority,
        stranger=stranger,
        ca=folder / "ca.pem",
        server=issue(authority, folder, "server"),
        device=issue(authority, folder, "device"),
    )


def https(server) -> str:
    return f"https://127.0.0.1:{server.port}"


def shake_hands(server, context: ssl.SSLContext) -> ssl.SSLSocket:
    peer = socket.create_connection((server.host, server.port), timeout=20)
    return context.wrap_socket(peer, server_hostname="127.0.0.1")


def test_https_answers_and_plain_http_does_not(start_server, site):
    server = start_server(**site.settings())
    answer = requests.post(f"{https(server)}/analyze", files={"image": b"x"}, verify=site.ca, timeout=20)
    assert answer.status_code == 200
    with pytest.raises(requests.ConnectionError):
        requests.get(server.url, timeout=20)
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(https(server), timeout=20)  # an authority that the client does not know
    assert requests.get(https(server), verify=site.ca, timeout=20).status_code == 200


def test_nothing_below_tls_1_2_is_spoken(start_server, site):
    server = start_server(**site.settings())
    context = ssl.create_default_context(cafile=str(site.ca))
    context.set_ciphers("DEFAULT@SECLEVEL=0")
    for version, spoken in ((ssl.TLSVersion.TLSv1_1, False), (ssl.TLSVersion.TLSv1_2, True)):
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = version
        with contextlib.nullcontext() if spoken else pytest.raises((ssl.SSLError, ConnectionResetError)):
            shake_hands(server, context).close()
    assert server_context(site.server.cert, site.server.key, None).minimum_version == ssl.TLSVersion.TLSv1_2


def test_a_handshake_that_is_not_finished_is_cut_off(start_server, site):
    server = start_server(**site.settings(head_timeout_s=0.3))
    with socket.create_connection((server.host, server.port), timeout=20) as peer:
        peer.sendall(b"\x16\x03\x01")
        with contextlib.suppress(ConnectionResetError):
            while peer.recv(4096):
                pass  # an alert may come first
    assert requests.get(https(server), verify=site.ca, timeout=20).status_code == 200


def test_unfinished_handshakes_lock_nobody_out(start_server, site):
    server = start_server(**site.settings(max_connections=10))
    with contextlib.ExitStack() as stack:
        for _ in range(50):
            stack.enter_context(socket.create_connection((server.host, server.port), timeout=20))
        assert requests.get(https(server), verify=site.ca, timeout=20).status_code == 200


def serial(server, site: Site) -> int:
    with shake_hands(server, ssl.create_default_context(cafile=str(site.ca))) as peer:
        der = peer.getpeercert(binary_form=True)
        assert der is not None
    return load_pem_x509_certificate(ssl.DER_cert_to_PEM_cert(der).encode()).serial_number


def test_a_renewed_certificate_is_used_without_a_restart(start_server, site, tmp_path):
    live, renewed = issue(site.authority, tmp_path, "live"), issue(site.authority, tmp_path, "renewed")
    server = start_server(tls_cert=live.cert, tls_key=live.key)
    before = serial(server, site)
    shutil.copy(renewed.cert, live.cert)
    shutil.copy(renewed.key, live.key)
    server.until(lambda: serial(server, site) != before)


def test_a_renewal_that_is_half_done_keeps_the_old_certificate(site, tmp_path):
    live, renewed = issue(site.authority, tmp_path, "live"), issue(site.authority, tmp_path, "renewed")
    clock = FakeClock()
    contexts = tls_contexts(ServerSettings(tls_cert=live.cert, tls_key=live.key), clock)
    first = contexts()
    shutil.copy(renewed.cert, live.cert)
    clock.advance(1.0)
    assert contexts() is first  # the key is still the old one
    shutil.copy(renewed.key, live.key)
    clock.advance(1.0)
    assert contexts() is not first


def test_certificates_that_cannot_be_used_are_one_clear_error(site, tmp_path):
    other = issue(site.authority, tmp_path, "other")
    text = tmp_path / "text.pem"
    text.write_text("no certificate\n")
    locked = tmp_path / "locked.key"
    key = serialization.load_pem_private_key(site.server.key.read_bytes(), None)
    locked.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"word"),
        )
    )
    for cert, key_file, ca, reason in (
        (site.server.cert, other.key, None, "another certificate"),
        (text, site.server.key, None, "PEM"),
        (tmp_path / "none", site.server.key, None, "No such file"),
        (site.server.cert, locked, None, "password"),
        (site.server.cert, site.server.key, text, "client authority"),
    ):
        with pytest.raises(ConfigurationError, match=reason) as caught:
            server_context(cert, key_file, ca)
        assert "\n" not in str(caught.value)
    with pytest.raises(ConfigurationError, match="client_key"):
        HttpSession("https://x", token=None, ca_bundle=None, certificate=(other.cert, locked), connections=1)


@pytest.mark.parametrize("missing", ["tls_cert", "tls_key"])
def test_half_a_pair_of_settings_is_named(site, missing):
    settings = {**site.settings(tls_client_ca=site.ca), missing: None}
    with pytest.raises(ConfigurationError, match="tls_cert and tls_key"):
        ServerSettings(**settings)


# The SDK and mutual TLS.


def endpoint(server, **more: object) -> list[dict[str, object]]:
    return [{"name": "edge", "url": https(server), **more}]


def test_the_sdk_shows_its_certificate(start_server, site, tmp_path):
    server = start_server(**site.settings(tls_client_ca=site.ca))
    device = site.device
    together = tmp_path / "both.pem"
    together.write_bytes(device.cert.read_bytes() + device.key.read_bytes())
    for files in ({"client_cert": device.cert, "client_key": device.key}, {"client_cert": together}):
        endpoints = endpoint(server, ca_bundle=site.ca, **files)
        with make(tmp_path, endpoints=endpoints, policy="remote", local=False) as offloader:
            assert offloader.classify(jpeg()).path == "remote"


def refusals(site: Site, tmp_path: Path) -> dict[str, tuple[dict[str, object], dict[str, object], str]]:
    """By name: the server's settings, the endpoint's, and a word of the reason that the SDK gives."""
    expired = issue(site.authority, tmp_path, "expired", not_before=PAST, not_after=PAST + timedelta(days=9))
    foreign = issue(site.stranger, tmp_path, "foreign")
    mutual = site.settings(tls_client_ca=site.ca)
    trusting: dict[str, object] = {"ca_bundle": site.ca}
    return {
        "wrong authority": (site.settings(), {}, "certificate"),
        "expired server": (
            {"tls_cert": expired.cert, "tls_key": expired.key},
            trusting,
            "expired",
        ),
        "no client certificate": (mutual, trusting, "client_cert"),
        "foreign client certificate": (
            mutual,
            {**trusting, "client_cert": foreign.cert, "client_key": foreign.key},
            "client_cert",
        ),
        "expired client certificate": (
            mutual,
            {**trusting, "client_cert": expired.cert, "client_key": expired.key},
            "client_cert",
        ),
    }


@pytest.mark.parametrize(
    "case",
    [
        "wrong authority",
        "expired server",
        "no client certificate",
        "foreign client certificate",
        "expired client certificate",
    ],
)
def test_a_refusal_is_one_clear_error_and_the_device_answers_itself(start_server, site, tmp_path, case):
    of_server, of_endpoint, word = refusals(site, tmp_path)[case]
    server = start_server(**of_server)
    endpoints = endpoint(server, **of_endpoint)
    with make(tmp_path / "a", endpoints=endpoints, policy="remote", local=False) as offloader:
        with pytest.raises(RemoteError) as caught:
            offloader.classify(jpeg())
        assert caught.value.kind == "connect"
        assert word in str(caught.value)
        assert "\n" not in str(caught.value)
    with make(tmp_path / "b", endpoints=endpoints, policy="remote") as offloader:
        started_s = time.monotonic()
        result = offloader.classify(jpeg())
        assert (result.path, result.fallback) == ("local", True)
        assert time.monotonic() - started_s < 20
    assert server.model.seen == []
