"""The server that a command connects to: a running one, or an embedded one on a free loopback port."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from rich.console import Console

# Said again for the options, which import this module late and engines never.
from auricle.engines.compute import ENGINE_DEFAULTS as ENGINE_DEFAULTS
from auricle.engines.compute import ComputeOptions as ComputeOptions
from auricle.server.app import ServerConfig, running_server
from auricle.server.cli.display import Display
from auricle.server.cli.engine_progress import wait_for_engine
from auricle.server.cli.option_errors import OptionError
from auricle.transports.address import parse_address
from auricle.transports.errors import InvalidURL


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerChoice:
    """Options that select the server. With ``url`` None an embedded server is started, with this engine and model."""

    url: str | None = None
    api_key: str | None = None
    engine: str | None = None
    model: str | None = None
    language: str | None = None
    compute: ComputeOptions = ENGINE_DEFAULTS


def choose_server(
    *,
    url: str | None,
    api_key: str | None,
    engine: str | None,
    model: str | None,
    language: str | None,
    compute: ComputeOptions = ENGINE_DEFAULTS,
) -> ServerChoice:
    """Return the choice that the options make. Raises `OptionError` where they contradict each other."""
    if url is not None:
        try:
            parse_address(url)
        except InvalidURL as error:
            raise OptionError(str(error)) from error
        given = [f"--{name}" for name, value in (("engine", engine), ("model", model)) if value is not None]
        given += [f"--{name.replace('_', '-')}" for name in compute.chosen]
        if given:
            verb = "choose" if len(given) > 1 else "chooses"
            raise OptionError(
                f"{' and '.join(given)} {verb} what this command starts; the server at --url has made its choice."
            )
    return ServerChoice(url=url, api_key=api_key, engine=engine, model=model, language=language, compute=compute)


@asynccontextmanager
async def server_url(choice: ServerChoice, display: Display) -> AsyncIterator[str]:
    """Yield the URL to connect to; an embedded server runs for the length of the block.

    Raises `EngineUnavailable` when no engine can be loaded for the embedded server.
    """
    if choice.url is not None:
        yield choice.url
        return
    config = ServerConfig(
        host="127.0.0.1",
        port=0,
        engine=choice.engine,
        models=() if choice.model is None else (choice.model,),
        language=choice.language,
        compute=choice.compute,
        tries_models=False,
    )
    async with running_server(config) as server:
        await wait_for_engine(server, Console(stderr=True), server.engine_loaded)
        if server.fallback_reason is not None:
            display.note(server.fallback_reason)
        yield server.url
