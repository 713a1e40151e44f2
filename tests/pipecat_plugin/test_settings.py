"""Settings, at the beginning and while the pipeline runs."""

import asyncio

import pytest
from livekit_plugin.simulated_server import SimulatedServer
from pipecat.frames.frames import STTUpdateSettingsFrame
from pipecat.transcriptions.language import Language

from pipecat_auricle import AuricleSTTService, AuricleSTTSettings
from pipecat_plugin.harness import Harness, run_scenario


def update(**settings: object) -> STTUpdateSettingsFrame:
    return STTUpdateSettingsFrame(delta=AuricleSTTSettings(**settings))  # type: ignore[arg-type]


def test_settings_reach_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(it: Harness) -> None:
        await it.say(1)
        await it.end()
        (start,) = it.server.starts
        assert (start.language, start.languages, start.model) == ("de", ("de", "en"), "base")
        assert (start.bias.terms, start.bias.prompt) == (("Auricle",), "Hello.")
        assert (start.endpointing.silence_ms, start.endpointing.max_segment_ms) == (300, 12_000)
        assert start.client is not None
        assert (start.client.name, start.client.reference, start.client.tags) == ("pipecat-auricle", "call-7", ("a",))

    settings = AuricleSTTSettings(
        language=Language.DE, languages=[Language.DE, "en"], model="base", keyterms=["Auricle", "Auricle", "x" * 201],
        prompt="Hello.", silence_s=0.3, max_segment_s=12.0,
    )  # fmt: skip
    run_scenario(monkeypatch, scenario, settings=settings, reference="call-7", tags=["a"])


def test_nothing_set_is_left_to_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(it: Harness) -> None:
        await it.say(1)
        await it.end()
        (start,) = it.server.starts
        assert (start.language, start.languages, start.model, start.endpointing.silence_ms) == (None, (), None, None)

    run_scenario(monkeypatch, scenario)


@pytest.mark.parametrize("language", ["auto", "multi"])
def test_a_language_that_is_to_be_detected(monkeypatch: pytest.MonkeyPatch, language: str) -> None:
    async def scenario(it: Harness) -> None:
        await it.say(1)
        await it.end()
        assert it.server.starts[0].language is None

    run_scenario(monkeypatch, scenario, settings=AuricleSTTSettings(language=language))


def test_a_change_while_the_pipeline_runs_needs_no_new_session(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(it: Harness) -> None:
        await it.say(1)
        await it.worker.queue_frame(update(language=Language.FR, keyterms=["Auricle"]))
        await it.say(2)
        it.server.cut(forget=True)
        await it.say(3)
        await it.end()
        assert it.words == ["w1", "w2", "w3"]
        assert [start.language for start in it.server.starts] == [None, "fr"]
        assert it.server.starts[1].bias.terms == ("Auricle",)
        assert "ConfigureRequested" in it.server.heard
        assert it.errors == []

    run_scenario(monkeypatch, scenario)


def test_a_storm_of_changes_ends_with_the_last_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server refuses what comes too fast: that is no verdict on what is asked for, and no error."""

    async def scenario(it: Harness) -> None:
        await it.say(1, 0, 0, 0, 0)
        for number in range(40):
            await it.worker.queue_frame(update(language="de" if number % 2 else "fr", silence_s=0.3 + number / 100))
            await it.say(0, blocks=1)
        await it.say(*(0,) * 60)
        config = it.server.each()[0].session.snapshot.config
        assert (config.language, config.endpointing.silence_ms) == ("de", 690)
        assert it.stt._settings.language == "de"
        assert it.errors == []
        await it.end()

    run_scenario(monkeypatch, scenario, settings=AuricleSTTSettings(language="en"))


def test_a_refused_change_is_an_error_and_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(it: Harness) -> None:
        await it.say(1)
        await it.worker.queue_frame(update(language="tlh", keyterms=["Auricle"]))
        await it.say(0)
        await asyncio.sleep(0.5)
        await it.say(2)
        (error,) = it.errors
        assert "no Klingon here" in error.error
        assert it.stt._settings.language == "en"
        assert it.stt._settings.keyterms == ["Auricle"], "what was not refused stays wanted"
        it.server.cut(forget=True)
        await it.say(3)
        await it.end()
        assert it.words == ["w1", "w2", "w3"]
        assert it.server.starts[-1].language == "en"
        assert it.stt.is_usable

    run_scenario(monkeypatch, scenario, settings=AuricleSTTSettings(language="en"))


def test_a_value_that_cannot_be_used_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(it: Harness) -> None:
        await it.say(1)
        await it.worker.queue_frame(update(silence_s=-1.0, language="fr"))
        await it.say(2)
        (error,) = it.errors
        assert "silence_ms" in error.error
        assert (it.stt._settings.language, it.stt._settings.silence_s) == (None, None)
        await it.end()
        assert it.words == ["w1", "w2"]

    run_scenario(monkeypatch, scenario)


def test_other_settings_make_a_service_that_had_given_up_try_again(monkeypatch: pytest.MonkeyPatch) -> None:
    server = SimulatedServer()
    server.refusal = ("unsupported_language", "no Klingon here")

    async def scenario(it: Harness) -> None:
        await it.say(1)
        await asyncio.sleep(0.5)
        assert not it.stt.is_usable
        it.server.refusal = None
        await it.worker.queue_frame(update(language="en"))
        await it.say(2)
        await it.end()
        assert it.words == ["w2"]

    run_scenario(monkeypatch, scenario, server, settings=AuricleSTTSettings(language="tlh"))


def test_a_setting_that_cannot_be_used_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="silence_ms"):
        AuricleSTTService(settings=AuricleSTTSettings(silence_s=60.0))


def test_the_environment_names_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AURICLE_URL", "ws://elsewhere.invalid")
    monkeypatch.setenv("AURICLE_API_KEY", "k")
    service = AuricleSTTService()
    assert (service._url, service._api_key) == ("ws://elsewhere.invalid", "k")
