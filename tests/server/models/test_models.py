"""Several models in one server: who answers, what an unknown name is told, and loading and unloading meanwhile."""

import json
import os
import signal
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
import trio

from auricle.core import Final, Limits, Resumed, SessionClosed, Start
from auricle.engines.fallback import Isolation
from auricle.server.app import ServerConfig, SpeechServer, running_server
from auricle.transports.errors import ConnectFailed
from auricle.transports.trio import Client, connect
from server.metrics.scrapes import PATIENCE_S, http_url, scraped, value
from server.proxy import cutting_proxy

SECOND = bytes(32_000)
ONCE = Limits(max_reconnects=0)


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str], str]:
    """Return a maker of models: a file whose engine says the model's name, again and again."""

    def make(name: str, **more: object) -> str:
        words = [{"text": name, "start": 0, "end": 0.5}]
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps({"words": words, "period": 1.5, **more}), encoding="utf-8")
        return str(path)

    return make


async def said(url: str, **config: Any) -> tuple[str, str | None]:
    """Return what a session heard first, and the model that it was told of."""
    async with connect(url, Start(**config), limits=ONCE) as client:
        for _ in range(3):
            await client.send_audio(SECOND)
        await client.end_input()
        texts = [event.text async for event in client if isinstance(event, Final)]
        return texts[0].split()[0], client.ready.server.model


async def asked(
    server: SpeechServer, method: str, path: str, body: object = None, **headers: str
) -> tuple[int, dict[str, Any]]:
    def request() -> tuple[int, dict[str, Any]]:
        data = None if body is None else json.dumps(body).encode()
        named = {"Content-Type": "application/json"} | {key.replace("_", "-"): value for key, value in headers.items()}
        try:
            with urlopen(
                Request(http_url(server.url, path), data=data, headers=named, method=method), timeout=PATIENCE_S
            ) as response:
                text = response.read()
                return response.status, json.loads(text or b"{}")
        except HTTPError as error:
            return error.code, json.loads(error.read() or b"{}")

    return await trio.to_thread.run_sync(request)


async def until_state(server: SpeechServer, name: str, state: str) -> dict[str, Any]:
    while True:
        _, model = await asked(server, "GET", f"/admin/models/{name}")
        if model.get("state") == state:
            return model
        await trio.sleep(0.01)


def run(config: ServerConfig, scenario: Callable[[SpeechServer], Any]) -> None:
    async def bounded() -> None:
        with trio.fail_after(PATIENCE_S):
            async with running_server(config) as server:
                await server.engine_ready()
                await scenario(server)

    trio.run(bounded)


def scripted(first: str, *others: str, **more: Any) -> ServerConfig:
    return ServerConfig(port=0, engine="scripted", models=(first, *others), **more)


def test_a_client_chooses_by_name_and_the_first_is_the_default(script):
    async def scenario(server: SpeechServer) -> None:
        assert await said(server.url) == ("one", "one")
        assert await said(server.url, model="two") == ("two", "two")
        assert await said(server.url, model="one") == ("one", "one")
        assert await said(server.url, model=two) == ("two", "two"), "as the operator calls it, it is known too"
        with pytest.raises(ConnectFailed) as refused:
            await said(server.url, model="three")
        assert refused.value.closed is not None
        assert refused.value.closed.error == "unsupported_model"
        assert "this server runs 'one' and 'two', not 'three'" in str(refused.value)
        status, document = await asked(server, "GET", "/v1/models")
        assert status == HTTPStatus.OK
        assert [model["id"] for model in document["data"]][:3] == ["one", "two", "whisper-1"]
        status, document = await asked(server, "GET", "/status")
        assert [(model["name"], model["default"]) for model in document["models"]] == [("one", True), ("two", False)]

    two = script("two")
    run(scripted(script("one"), two), scenario)


def test_a_session_keeps_its_model_over_a_change_of_its_configuration(script):
    async def scenario(server: SpeechServer) -> None:
        async with connect(server.url, Start(model="two")) as client:
            await client.send_audio(SECOND * 2)
            await client.configure(language="en")
            await client.send_audio(SECOND * 2)
            await client.end_input()
            texts = [event.text async for event in client if isinstance(event, Final)]
        assert set(" ".join(texts).split()) == {"two"}

    run(scripted(script("one"), script("two")), scenario)


def test_a_session_that_is_resumed_keeps_its_model_though_that_is_unloaded_meanwhile(script):
    async def scenario(server: SpeechServer) -> None:
        quick = Limits(reconnect_min_s=0.01, reconnect_max_s=0.1)
        async with cutting_proxy(server.url) as proxy, connect(proxy.url, Start(model="two"), limits=quick) as client:
            await client.send_audio(SECOND)
            await asked(server, "DELETE", "/admin/models/two")
            proxy.cut()
            events: list[Any] = []
            async with trio.open_nursery() as nursery:
                nursery.start_soon(read, client, events)
                await client.send_audio(SECOND)
                await client.send_audio(SECOND)
                await client.end_input()
        assert Resumed in [type(event) for event in events]
        assert {word for event in events if isinstance(event, Final) for word in event.text.split()} == {"two"}
        assert events[-1].complete is True
        samples = await scraped(server.url)
        assert value(samples, "auricle_resumes_total", outcome="resumed") >= 1

    async def read(client: Client, events: list[Any]) -> None:
        async for event in client:
            events.append(event)

    run(scripted(script("one"), script("two")), scenario)


def test_names_of_other_services_mean_the_default(script):
    async def scenario(server: SpeechServer) -> None:
        for model, expected in (("nova-3", "one"), ("two", "two"), ("", "one")):
            answer = await trio.to_thread.run_sync(posted, server, model)
            assert expected in answer, model

    def posted(server: SpeechServer, model: str) -> str:
        url = http_url(server.url, f"/v1/listen?encoding=linear16&sample_rate=16000&model={model}")
        with urlopen(Request(url, data=SECOND * 3, method="POST"), timeout=PATIENCE_S) as response:
            return str(json.load(response)["results"]["channels"][0]["alternatives"][0]["transcript"])

    run(scripted(script("one"), script("two")), scenario)


def test_an_operator_loads_a_model_and_unloads_it_behind_its_last_session(script):
    async def scenario(server: SpeechServer) -> None:
        status, model = await asked(server, "POST", "/admin/models", {"model": two})
        assert (status, model["name"]) == (HTTPStatus.ACCEPTED, "two.json")
        await until_state(server, "two", "serving")
        assert (await asked(server, "POST", "/admin/models", {"model": two}))[0] == HTTPStatus.CONFLICT
        async with connect(server.url, Start(model="two")) as client:
            await client.send_audio(SECOND)
            status, model = await asked(server, "DELETE", "/admin/models/two")
            assert (status, model["state"], model["sessions"]) == (HTTPStatus.ACCEPTED, "unloading", 1)
            with pytest.raises(ConnectFailed, match="this server runs 'one', not 'two'"):
                await said(server.url, model="two")
            await client.send_audio(SECOND)
            await client.end_input()
            events = [event async for event in client]
        closed = events[-1]
        assert isinstance(closed, SessionClosed)
        assert closed.complete is True, "whoever had it lost nothing"
        while (await asked(server, "GET", "/admin/models/two"))[0] != HTTPStatus.NOT_FOUND:  # noqa: ASYNC110
            await trio.sleep(0.01)
        assert await said(server.url) == ("one", "one")
        assert (await asked(server, "DELETE", "/admin/models/two"))[0] == HTTPStatus.NOT_FOUND

    two = script("two")
    run(scripted(script("one")), scenario)


def test_a_model_that_is_being_unloaded_can_be_kept(script):
    async def scenario(server: SpeechServer) -> None:
        async with connect(server.url, Start(model="two")) as client:
            await asked(server, "DELETE", "/admin/models/two")
            assert (await asked(server, "POST", "/admin/models", {"model": "two"}))[1]["state"] == "serving"
            await client.aclose()
        assert await said(server.url, model="two") == ("two", "two")

    run(scripted(script("one"), script("two")), scenario)


def test_a_model_that_cannot_be_loaded_says_why_and_changes_nothing(script, tmp_path, caplog):
    async def scenario(server: SpeechServer) -> None:
        await asked(server, "POST", "/admin/models", {"model": str(missing)})
        model = await until_state(server, "missing.json", "failed")
        assert "cannot be read as a script" in model["detail"]
        (told,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
        assert told == f"model missing.json: not loaded: {model['detail']}"
        assert server.overview.ready()[0], "the others answer as before"
        with pytest.raises(ConnectFailed, match="cannot be read as a script"):
            await said(server.url, model="missing.json")
        script("missing")
        assert (await asked(server, "POST", "/admin/models", {"model": str(missing)}))[0] == HTTPStatus.ACCEPTED
        await until_state(server, "missing", "serving")
        assert await said(server.url, model="missing") == ("missing", "missing")

    missing = tmp_path / "missing.json"
    run(scripted(script("one")), scenario)


def test_what_an_operator_may_not_do_is_said_in_one_sentence(script):
    async def scenario(server: SpeechServer) -> None:
        status, problem = await asked(server, "DELETE", "/admin/models/one")
        assert (status, problem["code"]) == (HTTPStatus.CONFLICT, "conflict")
        assert "one is the default model" in problem["detail"]
        for body in ({}, {"model": 3}, {"model": " "}, {"model": "x" * 2_000}, [], "x" * 5_000):
            status, problem = await asked(server, "POST", "/admin/models", body)
            assert (status, problem["code"]) == (HTTPStatus.BAD_REQUEST, "bad_request"), body
        status, _ = await asked(server, "POST", "/admin/models", {"model": "x"}, Content_Type="text/plain")
        assert status == HTTPStatus.UNSUPPORTED_MEDIA_TYPE
        for header in ("X_Forwarded_For", "X_Forwarded_Host", "Forwarded", "Origin", "Via"):
            for method, path in (("GET", ""), ("POST", ""), ("DELETE", "/one")):
                status, problem = await asked(server, method, f"/admin/models{path}", **{header: "http://localhost"})
                assert (status, problem["code"]) == (HTTPStatus.FORBIDDEN, "forbidden"), (header, method)

    run(scripted(script("one")), scenario)


def test_each_model_has_a_process_whose_memory_is_told(script):
    async def scenario(server: SpeechServer) -> None:
        _, document = await asked(server, "GET", "/status")
        samples = await scraped(server.url)
        for model in document["models"]:
            assert model["memory_bytes"] > 1_000_000
            assert model["restarts"] == 0
            assert value(samples, "auricle_engine_memory_bytes", model=model["name"]) > 1_000_000
        assert document["memory_bytes"] > 1_000_000
        assert len({model.actor.process.pid for model in server._models}) == 2
        killed = server._models.default.actor.process
        assert killed is not None
        assert killed.pid is not None
        os.kill(killed.pid, signal.SIGKILL)
        while server._models.default.restarts == 0 or server._models.default.actor.trouble is not None:  # noqa: ASYNC110
            await trio.sleep(0.02)
        assert value(await scraped(server.url), "auricle_engine_restarts_total", model="one") == 1
        assert await said(server.url) == ("one", "one")

    run(scripted(script("one"), script("two"), engine_isolation=Isolation.PROCESS), scenario)
