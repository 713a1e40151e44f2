"""Headless Chromium, driven over its DevTools protocol: as much of it as the tests of the page need."""

import json
import shutil
import subprocess
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import trio
from trio_websocket import WebSocketConnection, connect_websocket_url

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
OTHER_HOST = "box.example"
"""A name that leads the browser to this machine, and that it does not take for this machine."""
LARGEST_MESSAGE = 64 * 1024 * 1024
POLL_S = 0.05
STARTED_S = 30.0


class BrowserFailed(Exception):
    """The browser did not do what it was asked for, or a script on the page raised."""


def chromium() -> str | None:
    """The browser's path; None where there is none."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Page:
    """One page of the browser."""

    def __init__(self, socket: WebSocketConnection) -> None:
        self.errors: list[str] = []
        """What scripts raised, and what the console calls an error."""
        self._socket = socket
        self._numbers = count(1)
        self._answers: dict[int, dict[str, Any]] = {}
        self._answered = trio.Condition()
        self._loaded = trio.Event()
        self.downloads = trio.Semaphore(0)
        """Released once for each download that is there."""

    async def read(self) -> None:
        """Read what the browser says, for as long as it does."""
        while True:
            message = json.loads(await self._socket.get_message())
            match message:
                case {"id": number}:
                    async with self._answered:
                        self._answers[number] = message
                        self._answered.notify_all()
                case {"method": "Page.javascriptDialogOpening"}:  # whether to leave the page: yes
                    await self._say("Page.handleJavaScriptDialog", accept=True)
                case {"method": "Page.loadEventFired"}:
                    self._loaded.set()
                case {"method": "Page.downloadProgress", "params": {"state": "completed"}}:
                    self.downloads.release()
                case {"method": "Runtime.exceptionThrown", "params": {"exceptionDetails": details}}:
                    self.errors.append(details.get("exception", {}).get("description", details["text"]))
                case {"method": "Log.entryAdded", "params": {"entry": {"level": "error"} as entry}}:
                    self.errors.append(f"{entry['text']} {entry.get('url', '')}")

    async def ask(self, method: str, **params: Any) -> Any:
        """Call a method of the protocol and return its result."""
        number = await self._say(method, **params)
        async with self._answered:
            while number not in self._answers:
                await self._answered.wait()
        answer = self._answers.pop(number)
        if "error" in answer:
            raise BrowserFailed(f"{method}: {answer['error']}")
        return answer["result"]

    async def _say(self, method: str, **params: Any) -> int:
        number = next(self._numbers)
        await self._socket.send_message(json.dumps({"id": number, "method": method, "params": params}))
        return number

    async def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression; a promise is awaited. As if the user had just clicked."""
        result = await self.ask(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True, userGesture=True
        )
        if "exceptionDetails" in result:
            raise BrowserFailed(str(result["exceptionDetails"]))
        return result["result"].get("value")

    async def until(self, expression: str) -> Any:
        """Wait until an expression is true, and return its value."""
        return await self.evaluate(
            "new Promise((resolve) => { const look = () => { const value = (" + expression + "); "
            f"if (value) resolve(value); else setTimeout(look, {POLL_S * 1000}); }}; look(); }})"
        )

    async def text(self, selector: str) -> str:
        """Return the text of an element, as a person sees it."""
        return str(await self.evaluate(f"document.querySelector({json.dumps(selector)}).innerText"))

    async def click(self, selector: str) -> None:
        """Click an element."""
        await self.evaluate(f"document.querySelector({json.dumps(selector)}).click()")

    async def goto(self, url: str) -> None:
        """Load a page, and wait until its scripts have run."""
        self._loaded = trio.Event()
        await self.ask("Page.navigate", url=url)
        await self._loaded.wait()

    async def choose_file(self, selector: str, *paths: Path) -> None:
        """Give files to a file input."""
        root = (await self.ask("DOM.getDocument"))["root"]["nodeId"]
        node = (await self.ask("DOM.querySelector", nodeId=root, selector=selector))["nodeId"]
        await self.ask("DOM.setFileInputFiles", files=[str(path) for path in paths], nodeId=node)

    async def drop(self, *paths: Path) -> None:
        """Drop files on the page, as its scripts see it: how a mouse drags, a headless browser does not tell."""
        files = [[path.name, b64encode(path.read_bytes()).decode("ascii")] for path in paths]
        await self.evaluate(
            "(() => { const dropped = new DataTransfer();"
            f"for (const [name, data] of {json.dumps(files)})"
            " dropped.items.add(new File([Uint8Array.from(atob(data), (each) => each.charCodeAt(0))], name));"
            "const event = new DragEvent('drop', { dataTransfer: dropped, bubbles: true, cancelable: true });"
            "document.body.dispatchEvent(event); })()"
        )


@asynccontextmanager
async def browser_page(folder: Path, *, microphone: Path | None = None) -> AsyncIterator[Page]:
    """Run Chromium with one page. ``microphone`` is a WAV file that is heard once, and silence after it."""
    path = chromium()
    assert path is not None, "the test skips where there is no browser"
    command = [path, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
    command += [f"--user-data-dir={folder}", "--remote-debugging-port=0", "--autoplay-policy=no-user-gesture-required"]
    command.append(f"--host-resolver-rules=MAP {OTHER_HOST} 127.0.0.1")
    command += ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    if microphone is not None:
        command.append(f"--use-file-for-fake-audio-capture={microphone}%noloop")
    process = await trio.lowlevel.open_process(
        [*command, "about:blank"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        with trio.fail_after(STARTED_S):
            port = await _port(trio.Path(folder) / "DevToolsActivePort")
            url = await _page_url(port)
        async with trio.open_nursery() as nursery:
            socket = await connect_websocket_url(nursery, url, max_message_size=LARGEST_MESSAGE)
            page = Page(socket)
            nursery.start_soon(page.read)
            for domain in ("Page", "Runtime", "Log", "DOM"):
                await page.ask(f"{domain}.enable")
            yield page
            nursery.cancel_scope.cancel()
    finally:
        process.terminate()
        with trio.CancelScope(shield=True):
            with trio.move_on_after(5):
                await process.wait()
            process.kill()
            await process.wait()


async def _port(file: trio.Path) -> int:
    while True:
        with suppress(FileNotFoundError, IndexError, ValueError):
            return int((await file.read_text(encoding="ascii")).splitlines()[0])
        await trio.sleep(POLL_S)


async def _page_url(port: int) -> str:
    """Return the WebSocket of the first page; the browser lists it over HTTP."""
    while True:
        listed = await trio.to_thread.run_sync(_listed, port)
        for target in listed:
            if target["type"] == "page":
                return str(target["webSocketDebuggerUrl"])
        await trio.sleep(POLL_S)


def _listed(port: int) -> list[dict[str, str]]:
    with urlopen(f"http://127.0.0.1:{port}/json/list", timeout=STARTED_S) as response:
        return list(json.load(response))
