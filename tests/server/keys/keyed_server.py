"""One server with keys, and everybody's clients, each with the key that a test gives it."""

import asyncio
import base64
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any

import openai
import trio
import websockets
from deepgram import AsyncDeepgramClient, DeepgramClient
from deepgram.core.api_error import ApiError
from deepgram.environment import DeepgramClientEnvironment
from websockets.exceptions import InvalidStatus

from auricle.core import SessionClosed, Start
from auricle.transports.trio import ConnectFailed, connect
from server.uploads.upload_server import FAR_S, UploadServer, recording

WAV = recording(2.0)
SECOND = bytes(32_000)
Outcome = tuple[int, Any]
"""The HTTP status, and what was heard or the error: 200 where all went well."""


def ws(server: UploadServer, path: str = "/ws/transcribe") -> str:
    return f"ws://127.0.0.1:{server.port}{path}"


def post(url: str, headers: Mapping[str, str], data: bytes | None = b"", method: str = "POST") -> Outcome:
    """Ask, and return the status and the body, as JSON where it is; errors are answers too."""
    request = urllib.request.Request(url, data=data, headers=dict(headers), method=method)
    try:
        with urllib.request.urlopen(request, timeout=FAR_S) as response:
            return response.status, _parsed(response.read())
    except urllib.error.HTTPError as error:
        return error.code, {
            **_parsed(error.read()),
            "headers": {name.lower(): value for name, value in error.headers.items()},
        }


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body.decode()


def bearer(key: str | None) -> dict[str, str]:
    return {} if key is None else {"Authorization": f"Bearer {key}"}


async def hold(url: str, key: str | None, seconds: int = 2, config: Start | None = None) -> SessionClosed:
    """Hold one session of `auricle.v1`, and return how it ended. Raises `ConnectFailed`."""
    with trio.fail_after(FAR_S):
        async with connect(url, config or Start(), api_key=key) as client:
            for _ in range(seconds):
                await client.send_audio(SECOND)
            await client.end_input()
            async for event in client:
                if isinstance(event, SessionClosed):
                    return event
    raise AssertionError("a session ends with SessionClosed")


def our_client(server: UploadServer, key: str | None) -> Outcome:
    try:
        return 200, trio.run(hold, ws(server), key).reason
    except ConnectFailed as error:
        return error.closed.code - 4000, str(error)


def raw(path: str, offered: list[str]) -> Callable[[UploadServer, str | None], Outcome]:
    """A client that says nothing but where it wants to go and what it offers; ``{key}`` stands for its key."""

    def attempt(server: UploadServer, key: str | None) -> Outcome:
        async def act() -> Outcome:
            text = (key or "").encode()
            spelt = [
                each.format(key=key, encoded=base64.urlsafe_b64encode(text).decode().rstrip("=")) for each in offered
            ]
            wanted = [each for each, plain in zip(spelt, offered, strict=True) if key is not None or "{" not in plain]
            address = ws(server, path.format(key=key) if key is not None else path.partition("?")[0])
            try:
                async with asyncio.timeout(FAR_S), websockets.connect(address, subprotocols=wanted or None) as socket:  # type: ignore[arg-type]
                    return 200, socket.subprotocol
            except InvalidStatus as refused:
                return refused.response.status_code, _parsed(refused.response.body)

        return asyncio.run(act())

    return attempt


def deepgram_live(server: UploadServer, key: str | None) -> Outcome:
    async def act() -> Outcome:
        url = f"http://127.0.0.1:{server.port}"
        addresses = DeepgramClientEnvironment(base=url, production=ws(server, ""), agent=url, agent_rest=url)
        client = AsyncDeepgramClient(api_key=key or "none", environment=addresses)
        try:
            async with (
                asyncio.timeout(FAR_S),
                client.listen.v1.connect(model="nova-3", encoding="linear16", sample_rate=16_000) as socket,
            ):
                await socket.send_media(SECOND)
                await socket.send_close_stream()
                return 200, [message.type async for message in socket][-1]
        except ApiError as error:
            return error.status_code or 0, error.body

    return asyncio.run(act())


def deepgram_file(server: UploadServer, key: str | None) -> Outcome:
    url = f"http://127.0.0.1:{server.port}"
    environment = DeepgramClientEnvironment(base=url, production=url, agent=url, agent_rest=url)
    media = DeepgramClient(api_key=key or "none", environment=environment, timeout=FAR_S).listen.v1.media
    try:
        heard = media.transcribe_file(request=WAV, request_options={"max_retries": 0})
    except ApiError as error:
        return error.status_code or 0, error.body
    return 200, heard.results.channels[0].alternatives[0].transcript  # type: ignore[union-attr, index]


def openai_live(server: UploadServer, key: str | None) -> Outcome:
    async def act() -> Outcome:
        url = f"http://127.0.0.1:{server.port}/v1"
        client = openai.AsyncOpenAI(api_key=key or "none", base_url=url, websocket_base_url=ws(server, "/v1"))
        try:
            async with (
                asyncio.timeout(FAR_S),
                client.realtime.connect(extra_query={"intent": "transcription"}) as connection,
            ):
                return 200, (await connection.recv()).type
        except InvalidStatus as refused:
            return refused.response.status_code, _parsed(refused.response.body)

    return asyncio.run(act())


def openai_client(server: UploadServer, key: str | None) -> openai.OpenAI:
    return openai.OpenAI(
        base_url=f"http://127.0.0.1:{server.port}/v1", api_key=key or "none", timeout=FAR_S, max_retries=0
    )


def openai_file(server: UploadServer, key: str | None) -> Outcome:
    try:
        heard = openai_client(server, key).audio.transcriptions.create(model="whisper-1", file=("a.wav", WAV))
    except openai.APIStatusError as error:
        return error.status_code, {"error": error.body}
    return 200, heard.text


def openai_models(server: UploadServer, key: str | None) -> Outcome:
    try:
        return 200, [model.id for model in openai_client(server, key).models.list()]
    except openai.APIStatusError as error:
        return error.status_code, {"error": error.body}


def our_upload(server: UploadServer, key: str | None) -> Outcome:
    return post(f"http://127.0.0.1:{server.port}/v1/transcribe", bearer(key), WAV)


def our_token(server: UploadServer, key: str | None) -> Outcome:
    return post(f"http://127.0.0.1:{server.port}/v1/session-tokens", bearer(key))
