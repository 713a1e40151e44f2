"""The page in a browser, end to end: a microphone that plays a file, a recording, a connection that is cut."""

import json
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
import trio.testing

from auricle.core import Limits
from auricle.engines.scripted.engine import ScriptedEngine
from auricle.engines.scripted.script import COUNTING
from auricle.server.app import ServerConfig, SpeechServer, running_server
from auricle.server.keys.api_key import Keyring
from auricle.server.keys.scopes import Scope
from server.keys.making import made_key
from server.recordings.test_containers import encoded
from server.web.devtools import OTHER_HOST, Page, browser_page, chromium

RATE = 16_000
PATIENCE_S = 60.0
FIRST = "one two three four five"
RECORDED_S = 5
RECORDED = "one two three four five six seven eight nine ten"
"""The scripted engine hears a recording across its pauses: as one utterance."""
ENDED = "document.querySelector('#verdict').dataset.complete"

pytestmark = pytest.mark.skipif(chromium() is None, reason="Chromium is not installed (Debian: apt install chromium)")


def sound(path: Path, seconds: int) -> Path:
    """A WAV file of noise: the scripted engine says its words whatever it hears."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(bytes((index * 7919) % 251 for index in range(2 * RATE * seconds)))
    return path


@asynccontextmanager
async def opened(
    tmp_path: Path, *, seconds: int = 30, max_sessions: int | None = None, keys: Keyring | None = None
) -> AsyncIterator[tuple[Page, SpeechServer]]:
    """A server, and a browser that shows its page."""
    with trio.fail_after(PATIENCE_S):
        async with (
            running_server(
                ServerConfig(port=0, max_sessions=max_sessions, keys=keys), ScriptedEngine(COUNTING)
            ) as server,
            browser_page(tmp_path / "profile", microphone=sound(tmp_path / "voice.wav", seconds)) as page,
        ):
            await server.engine_ready()
            await page.goto(server.page_url)
            yield page, server
            assert page.errors == []


async def words(page: Page) -> str:
    said = "[...document.querySelectorAll('.final')].map((f) => f.innerText).join(' ')"
    return str(await page.evaluate(said))


def test_a_recording_is_transcribed_and_every_sample_is_accounted_for(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with opened(tmp_path) as (page, _):
            await page.choose_file("#file", sound(tmp_path / "talk.wav", RECORDED_S))
            assert await page.until(ENDED) == "true"
            assert RECORDED in await words(page)
            assert await page.text("#committed") == "0:05.00 of 0:05.00"
            assert await page.evaluate("document.querySelector('#problem').hidden")
            assert "scripted" in await page.text("#engine")

    trio.run(scenario)


def test_the_microphone_is_transcribed_across_a_cut_and_nothing_is_lost(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with opened(tmp_path) as (page, server):
            await page.click("#record")
            await page.until("document.querySelector('.final') !== null")
            await page.click("#cut")
            assert await page.text("#connection") == "lost, coming back"
            await page.until("document.querySelector('#connection').dataset.link === 'up'")
            assert server.sessions == 1
            await page.click("#record")
            assert await page.until(ENDED) == "true"
            lost, back = (await page.text("#notices")).splitlines()
            assert "connection is lost" in lost
            assert "nothing is lost" in back
            assert FIRST in await words(page)

    trio.run(scenario)


async def give_key(page: Page, key: str) -> None:
    await page.until("document.querySelector('#key') !== null")
    await page.evaluate(f"document.querySelector('#key').value = {json.dumps(key)}")
    await page.click("#use-key")


def test_a_key_is_asked_for_once_and_every_connection_has_a_token(tmp_path: Path) -> None:
    async def scenario() -> None:
        key, text = made_key()
        async with opened(tmp_path, keys=Keyring((key,))) as (page, server):
            await page.click("#record")
            await give_key(page, "ak_wrong.key")
            await page.until(
                "document.querySelector('#key-reason')?.innerText.startsWith('This API key is not valid.')"
            )
            await give_key(page, text)
            await page.until("document.querySelector('.final') !== null")
            await page.click("#cut")
            await page.until("document.querySelector('#connection').dataset.link === 'up'")
            await page.click("#record")
            assert await page.until(ENDED) == "true"
            assert FIRST in await words(page)
            assert await page.evaluate("[sessionStorage.length, localStorage.length, document.cookie]") == [1, 0, ""]
            server.use_keys(Keyring(()))
            await page.click("#record")
            await page.until("document.querySelector('#key') !== null")
            assert all("401" in each for each in page.errors)
            page.errors.clear()

    trio.run(scenario)


def test_the_status_page_is_for_operators_where_it_comes_through_a_proxy(tmp_path: Path) -> None:
    async def scenario() -> None:
        key, text = made_key(scopes=frozenset({Scope.OPERATOR}))
        async with opened(tmp_path, keys=Keyring((key,))) as (page, server):
            await page.ask("Network.enable")
            await page.ask("Network.setExtraHTTPHeaders", headers={"X-Forwarded-For": "203.0.113.7"})
            await page.goto(f"{server.page_url}status")
            await give_key(page, "ak_wrong.key")
            await page.until("document.querySelector('#key-reason')?.innerText.includes('not valid')")
            await give_key(page, text)
            await page.until("document.querySelector('#state').innerText === 'ready'")
            assert all("401" in each for each in page.errors)
            page.errors.clear()

    trio.run(scenario)


COUNT_STOPPED_TRACKS = """
  window.stopped = 0;
  const stop = MediaStreamTrack.prototype.stop;
  MediaStreamTrack.prototype.stop = function () { window.stopped += 1; return stop.call(this); };
"""


@pytest.mark.parametrize("ending", ["refused", "stopped"])
def test_the_microphone_is_let_go_however_the_session_ends(tmp_path: Path, ending: str) -> None:
    async def scenario() -> None:
        refused = ending == "refused"
        async with opened(tmp_path, max_sessions=0 if refused else None) as (page, _):
            await page.evaluate(COUNT_STOPPED_TRACKS)
            await page.click("#record")
            if not refused:
                await page.until("document.querySelector('.final') !== null")
                await page.click("#record")
            assert await page.until(ENDED) == ("false" if refused else "true")
            await page.until("window.stopped === 1")
            assert ("sessions" in await page.text("#problem")) is refused
            assert await page.text("#record") == "Start talking"

    trio.run(scenario)


def test_a_page_that_is_left_takes_its_session_with_it(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with opened(tmp_path) as (page, server):
            await page.click("#record")
            await page.until("document.querySelector('.final') !== null")
            assert server.sessions == 1
            await page.goto("about:blank")
            with trio.fail_after(server_waits_s / 2):
                while server.sessions:
                    await trio.testing.wait_all_tasks_blocked(0.05)

    server_waits_s = Limits().resume_window_s
    trio.run(scenario)


def test_finals_alone_are_read_out(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with opened(tmp_path) as (page, _):
            live = "[...document.querySelectorAll('[aria-live], [role=log], [role=status]')]"
            assert await page.evaluate(f"{live}.map((e) => `${{e.id}} ${{e.ariaLive}}`)") == [
                "finals polite",
                "partial off",
            ]
            named = "[...document.querySelectorAll('button, select, input:not([hidden])')]"
            assert await page.evaluate(f"{named}.every((e) => e.innerText || e.labels?.length)")

    trio.run(scenario)


def test_it_fits_a_phone(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with opened(tmp_path) as (page, _):
            await page.ask(
                "Emulation.setDeviceMetricsOverride", width=360, height=640, deviceScaleFactor=2, mobile=True
            )
            assert await page.until("document.documentElement.clientWidth === 360")
            assert await page.evaluate("document.documentElement.scrollWidth") == 360

    trio.run(scenario)


def test_copy_and_downloads_hold_the_words(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with opened(tmp_path) as (page, _):
            await page.choose_file("#file", sound(tmp_path / "talk.wav", RECORDED_S))
            await page.until(ENDED)
            await page.ask("Page.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
            await page.ask("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
            await page.ask("Page.bringToFront")
            await page.click("#copy")
            await page.until("document.querySelector('#copy').innerText === 'Copied'")
            assert await page.evaluate("navigator.clipboard.readText()") == f"{RECORDED}\n"
            for form in ("txt", "srt", "vtt", "json"):
                await page.click(f"[data-format={form}]")
                await page.downloads.acquire()
            assert (tmp_path / "talk.txt").read_text(encoding="utf-8") == f"{RECORDED}\n"
            document = json.loads((tmp_path / "talk.json").read_text(encoding="utf-8"))
            assert (document["complete"], document["text"]) == (True, RECORDED)

    trio.run(scenario)


def test_a_page_that_is_not_secure_says_why_there_is_no_microphone(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with opened(tmp_path) as (page, server):
            assert await page.text("#hint") == ""
            port = server.url.split(":")[2].split("/")[0]
            await page.goto(f"http://{OTHER_HOST}:{port}/")
            assert f"as http://localhost:{port}/" in await page.text("#hint")
            assert await page.evaluate("document.querySelector('#record').disabled")
            assert not await page.evaluate("document.querySelector('#open').disabled")

    trio.run(scenario)


def test_what_was_said_before_stays_when_a_new_recording_begins(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with opened(tmp_path) as (page, _):
            await page.choose_file("#file", sound(tmp_path / "first.wav", RECORDED_S))
            await page.until(ENDED)
            await page.choose_file("#file", sound(tmp_path / "second.wav", 2))
            await page.until(f"document.querySelector('#earlier details') && {ENDED}")
            await page.click("#earlier summary")
            kept = await page.text("#earlier")
            assert kept.startswith("first.wav · 0:05.00")
            assert RECORDED in kept
            assert FIRST in await words(page)
            await page.ask("Page.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
            await page.click("#earlier [data-format=txt]")
            await page.downloads.acquire()
            assert (tmp_path / "first.txt").read_text(encoding="utf-8") == f"{RECORDED}\n"

    trio.run(scenario)


ALL_HEARD = (
    f"document.querySelector('#waiting').innerText === '' && document.querySelector('.final') && {ENDED} === 'true'"
)


def test_several_recordings_are_heard_one_after_the_other_and_one_that_fails_stops_none(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with opened(tmp_path) as (page, _):
            (tmp_path / "notes.mp3").write_text("This is no sound.")
            await page.choose_file(
                "#file",
                sound(tmp_path / "first.wav", RECORDED_S),
                tmp_path / "notes.mp3",
                sound(tmp_path / "last.wav", 2),
            )
            await page.until(f"document.querySelectorAll('#earlier > *').length === 2 && {ALL_HEARD}")
            problem, first, *_ = (await page.text("#earlier")).split("\n\n")
            assert problem.startswith("Cannot read notes.mp3: it is not audio")
            assert first.startswith("first.wav · 0:05.00")
            assert FIRST in await words(page)
            assert any("400" in each for each in page.errors), "what Chromium says of the answer"
            page.errors.clear()

    trio.run(scenario)


def test_what_is_dropped_waits_for_its_turn(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with opened(tmp_path) as (page, _):
            await page.click("#record")
            await page.until("document.querySelector('.final') !== null")
            await page.drop(sound(tmp_path / "a.wav", 2), sound(tmp_path / "b.wav", 2))
            await page.until("document.querySelector('#waiting').innerText === 'Next: a.wav, b.wav'")
            await page.click("#record")
            await page.until(f"document.querySelectorAll('#earlier summary').length === 2 && {ALL_HEARD}")
            names = "[...document.querySelectorAll('#earlier summary')].map((each) => each.innerText.split(' · ')[0])"
            assert await page.evaluate(names) == ["a.wav", "microphone"]

    trio.run(scenario)


def test_stop_ends_those_that_wait_too(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with opened(tmp_path) as (page, _):
            await page.choose_file("#file", *(sound(tmp_path / f"{name}.wav", 600) for name in "abc"))
            await page.until("document.querySelector('#record-text').innerText === 'Stop'")
            await page.click("#record")
            assert await page.until(ENDED) == "false"
            assert await page.text("#waiting") == ""
            assert await page.text("#record-text") == "Start talking"

    trio.run(scenario)


def test_what_the_browser_cannot_decode_the_server_hears(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with opened(tmp_path) as (page, _):
            (tmp_path / "note.amr").write_bytes(encoded("amr", "libopencore_amrnb", 8_000, seconds=RECORDED_S))
            await page.choose_file("#file", tmp_path / "note.amr")
            assert await page.until(ENDED) == "true"
            assert RECORDED in await words(page)
            assert "cannot decode note.amr" in await page.text("#notices")
            await page.ask("Page.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
            await page.click("[data-format=json]")
            await page.downloads.acquire()
            document = json.loads((tmp_path / "note.json").read_text(encoding="utf-8"))
            assert document["accounting"]["committed"] == round(document["duration_s"] * RATE)
            assert (document["complete"], document["engine"]["name"]) == (True, "scripted")

    trio.run(scenario)


def test_the_status_page_shows_what_the_server_does(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with opened(tmp_path) as (page, server):
            await page.goto(server.url.replace("ws://", "http://").replace("ws/transcribe", "status"))
            await page.until("document.querySelector('#state').innerText === 'ready'")
            assert await page.text("#sessions") == "0"
            assert await page.text("#list") == "none"
            assert "(default)\tserving\t0\tin the server\t0" in await page.text("#models")

    trio.run(scenario)
