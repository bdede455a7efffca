"""What `doctor` looks at for one endpoint, outside in: name, connection, certificate, health, token, its clock.

The first step that fails ends the checks of that endpoint: what comes after it cannot work. The requests
themselves go through the SDK's own HTTP session, so they meet the same proxies, certificates and headers.
"""

from __future__ import annotations

import ipaddress
import json
import secrets
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from offload_sdk import wire
from offload_sdk.cli.check_open_inference import check_open_inference
from offload_sdk.cli.findings import Finding, ok, problem, warning
from offload_sdk.cli.text import milliseconds, printable
from offload_sdk.errors import ConfigurationError, RemoteError
from offload_sdk.typing import Clock

if TYPE_CHECKING:
    from offload_sdk._config import EndpointConfig
    from offload_sdk.execute.exchange import HttpSession, Reply

__all__ = ["check_endpoint", "is_loopback"]

_TIMEOUT_S = 5.0
_SKEW_S = 60.0
_MOST_TEXT_CHARS = 200


def check_endpoint(endpoint: EndpointConfig, *, clock: Clock, wall: Clock) -> Iterator[Finding]:
    """Yield what is found on the way to the endpoint and at it. Takes some seconds when it does not answer."""
    check = f"endpoint {endpoint.name}"
    parts = urlsplit(endpoint.url)
    host = parts.hostname or ""
    if endpoint.token is not None and parts.scheme.lower() == "http" and not is_loopback(host):
        yield warning(check, f"the token goes to {host} unencrypted", "use https:// for this endpoint")
    if not _is_proxied(parts.scheme.lower(), host):
        port = parts.port or (443 if parts.scheme.lower() == "https" else 80)
        reached = _reach(check, host, port, clock)
        yield reached
        if reached.level == "problem":
            return
    from offload_sdk.execute.exchange import HttpSession

    token = None if endpoint.token is None else endpoint.token.get_secret_value()
    try:
        session = HttpSession(
            endpoint.url,
            token=token,
            ca_bundle=endpoint.ca_bundle,
            certificate=endpoint.certificate,
            connections=1,
        )
    except ConfigurationError as error:
        yield problem(check, str(error), "give the PEM files of one certificate and its key")
        return
    with closing(session):
        if endpoint.protocol == "open-inference":
            yield check_open_inference(check, endpoint, session, clock=clock, timeout_s=2.0 * _TIMEOUT_S)
            return
        yield from _ask(check, session, endpoint.url, clock, wall)


def is_loopback(host: str) -> bool:
    """Whether the host is this machine, whatever the network does."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"  # a name below it may be asked of the network


def _is_proxied(scheme: str, host: str) -> bool:
    return scheme in getproxies() and not proxy_bypass(host)


def _reach(check: str, host: str, port: int, clock: Clock) -> Finding:
    """Look the name up and open a connection."""
    try:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        return problem(check, f"the name {host!r} cannot be looked up: {error}", "check the address and the DNS")
    address = addresses[0][4][0]
    started_s = clock()
    try:
        socket.create_connection((host, port), timeout=_TIMEOUT_S).close()
    except OSError as error:
        return problem(
            check,
            f"no connection to {host} ({address}) port {port}: {error}",
            "check that the server runs, the port, and firewalls on the way",
        )
    return ok(check, f"{host} is {address}, connected to port {port} in {milliseconds(clock() - started_s)}")


def _ask(check: str, session: HttpSession, url: str, clock: Clock, wall: Clock) -> Iterator[Finding]:
    """Ask for the server's health, then have it classify a tiny picture, as that is what needs the token."""
    started_s = clock()
    try:
        health = _send(session, "GET", wire.HEALTH_PATH)
    except RemoteError as error:
        advice = "check the certificate and the device's date" if error.kind == "connect" else "look at its log"
        yield problem(check, str(error), advice)
        return
    yield _judge_health(check, url, health, clock() - started_s)
    yield from _compare_clocks(check, health, wall())
    if health.status not in (200, 401, 403):
        return
    if (task := _other_task(health)) is not None:
        yield warning(check, f"its model is for {_short(task)}", "to classify, use another; docs/tasks.md tells")
        return
    from offload_sdk.execute.probe_image import padded_jpeg

    content_type, body = wire.encode_image(padded_jpeg(0), "image/jpeg", boundary=secrets.token_hex(16))
    started_s = clock()
    try:
        answer = _send(session, "POST", wire.ANALYZE_PATH, body, {"Content-Type": content_type})
    except RemoteError as error:
        yield problem(check, f"a picture was not answered: {error}", "look at the server's log")
        return
    yield _judge_answer(check, answer, clock() - started_s)


def _send(
    session: HttpSession,
    method: str,
    path: str,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Reply:
    from offload_sdk.execute.exchange import Exchange

    exchange = Exchange()
    # A socket's timeout does not bound an answer that comes in drops.
    timer = threading.Timer(2.0 * _TIMEOUT_S, exchange.end)
    timer.daemon = True
    timer.start()
    try:
        return session.send(
            method,
            path,
            headers=headers,
            body=body,
            connect_timeout_s=_TIMEOUT_S,
            read_timeout_s=_TIMEOUT_S,
            max_bytes=wire.MAX_ANSWER_BYTES,
            exchange=exchange,
        )
    finally:
        timer.cancel()


def _judge_health(check: str, url: str, reply: Reply, took_s: float) -> Finding:
    if reply.status == 503:
        return warning(check, "the server is still loading its model", "wait a moment and try again")
    if reply.status in (401, 403):
        return ok(check, f"the server asks for a token even for GET / (HTTP {reply.status})")
    if reply.status != 200:
        return problem(check, f"GET / gives HTTP {reply.status}", f"is {url} the server's address, path included?")
    try:
        document = json.loads(reply.body)
        model, version = str(document["model"]), str(document.get("version", "unknown"))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return warning(
            check, "GET / does not answer as an offload-sdk server does", "check that the address is the server's"
        )
    return ok(check, f"healthy, model {_short(model)}, version {_short(version)}, {milliseconds(took_s)}")


def _other_task(reply: Reply) -> str | None:
    """Return what the server says that its model does, if that is not classification."""
    try:
        task = json.loads(reply.body).get("task")
    except (ValueError, AttributeError, RecursionError):
        return None
    return task if isinstance(task, str) else None


def _judge_answer(check: str, reply: Reply, took_s: float) -> Finding:
    if reply.status in (401, 403):
        return problem(
            check, f"the token is not accepted (HTTP {reply.status})", "set OFFLOAD_TOKEN to a valid one"
        )
    if reply.status in (429, 503, 504):
        return warning(check, f"the server is too busy to answer (HTTP {reply.status})", "try again later")
    if reply.status != 200:
        words = _short(wire.parse_error_message(reply.body) or "no reason given")
        return problem(check, f"a picture gives HTTP {reply.status}: {words}", "look at the server's log")
    try:
        answer = wire.parse_answer(reply.body, reply.headers.get(wire.SERVER_TIMING_HEADER))
    except RemoteError as error:
        return problem(check, _short(str(error)), "check that the address is the server's")
    return ok(check, f"a picture is classified by {_short(answer.model)} in {milliseconds(took_s)}")


def _compare_clocks(check: str, reply: Reply, wall_s: float) -> Iterator[Finding]:
    try:
        server_s = parsedate_to_datetime(reply.headers.get("Date", "")).timestamp()
    except (ValueError, TypeError, OverflowError):
        return
    if abs(server_s - wall_s) > _SKEW_S:
        yield warning(
            check,
            f"the clocks of the device and the server are {abs(server_s - wall_s):.0f} s apart",
            "set both by network time, or their logs will not match",
        )


def _short(text: str) -> str:
    return printable(text[:_MOST_TEXT_CHARS])
