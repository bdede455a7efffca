"""Connections that are opened and not used: they must not keep anybody else out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvicorn
from offload_kit import PATIENCE_S
from page_kit import run_apart
from uvicorn.server import ServerState

from offload_sdk.ui.connection import Connection

HEAD = b"GET / HTTP/1.1\r\nHost: it\r\n"
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]


async def greet(scope: Any, receive: Any, send: Any) -> None:
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"hi"})


def talk_to_it(talk: Talk) -> None:
    """Serve `greet`, with a fifth of a second for a head, and talk to it."""

    async def act() -> None:
        config = uvicorn.Config(greet, log_config=None, lifespan="off")
        config.load()
        state = ServerState()
        server = await asyncio.get_running_loop().create_server(
            lambda: Connection(config, state, {}, head_timeout_s=0.2), "127.0.0.1", 0
        )
        async with server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            await asyncio.wait_for(talk(reader, writer), PATIENCE_S)
            writer.close()

    run_apart(act())


async def the_end(reader: asyncio.StreamReader) -> bool:
    try:
        return await reader.read() == b""
    except ConnectionResetError:
        return True


async def answer(reader: asyncio.StreamReader) -> bytes:
    return await reader.readuntil(b"\r\n\r\nhi")


@pytest.mark.parametrize("begun", [b"", b"G", HEAD])
def test_a_head_that_does_not_end_ends_the_connection(begun: bytes) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(begun)
        assert await the_end(reader)

    talk_to_it(talk)


def test_the_head_of_a_later_request_likewise() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"\r\n")
        assert b"200 OK" in await answer(reader)
        writer.write(HEAD)
        assert await the_end(reader)

    talk_to_it(talk)


def test_a_request_under_way_is_left_alone() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"POST / HTTP/1.1\r\nHost: it\r\nContent-Length: 2\r\n\r\na")
        await asyncio.sleep(0.5)
        writer.write(b"b")
        assert b"200 OK" in await answer(reader)

    talk_to_it(talk)
