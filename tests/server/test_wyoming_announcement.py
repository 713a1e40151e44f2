"""The Wyoming port announced by multicast DNS: found, asked and missed again with zeroconf itself, on the loopback."""

import asyncio
import logging
import threading
from typing import Any

import pytest
import trio

from auricle.server import wyoming_announcement
from auricle.server.cli import serve
from auricle.server.cli.option_errors import OptionError
from auricle.server.settings.effective import Effective, effective
from auricle.server.settings.kinds import Value
from auricle.server.wyoming_announcement import SERVICE, announce, instance_name
from server.dialects.dialect_server import dialect_server

zeroconf = pytest.importorskip("zeroconf", reason="zeroconf is not installed")
wyoming_client = pytest.importorskip("wyoming.client", reason="wyoming is not installed")
wyoming_info = pytest.importorskip("wyoming.info", reason="wyoming is not installed")

FAR_S = 60.0
LOOPBACK = "127.0.0.1"


class Watcher:
    """What Home Assistant does: it looks for services, and hears when they go. Others' are nothing to it here."""

    def __init__(self, port: int) -> None:
        self.found, self.gone = threading.Event(), threading.Event()
        self.told: Any = None
        self._port = port

    def add_service(self, network: Any, kind: str, name: str) -> None:
        told = network.get_service_info(kind, name)
        if told is not None and told.port == self._port:
            self.told = told
            self.found.set()

    def update_service(self, _zeroconf: Any, _kind: str, _name: str) -> None:
        pass

    def remove_service(self, _zeroconf: Any, _kind: str, name: str) -> None:
        if self.told is not None and name == self.told.name:
            self.gone.set()


async def described(host: str, port: int) -> Any:
    async with asyncio.timeout(FAR_S), wyoming_client.AsyncTcpClient(host, port) as client:
        await client.write_event(wyoming_info.Describe().event())
        return wyoming_info.Info.from_event(await client.read_event())


def test_the_port_is_found_asked_and_missed_again() -> None:
    announced = dialect_server(wyoming_port=0, wyoming_zeroconf=True)
    with zeroconf.Zeroconf(interfaces=[LOOPBACK]) as network, announced as server:
        watcher = Watcher(server.wyoming_port)
        zeroconf.ServiceBrowser(network, SERVICE, watcher)
        assert watcher.found.wait(FAR_S)
        assert watcher.told.name.startswith(instance_name())
        assert watcher.told.parsed_addresses() == [LOOPBACK]
        (program,) = asyncio.run(described(LOOPBACK, watcher.told.port)).asr
        assert program.name == "auricle"
        server.drain()
        assert watcher.gone.wait(FAR_S)


def test_a_network_that_cannot_be_told_is_a_warning_and_no_end(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def no_network(*_: object) -> None:
        raise OSError("Network is unreachable")

    monkeypatch.setattr(wyoming_announcement, "_register", no_network)
    trio.run(announce, LOOPBACK, 10_300, trio.Event())
    assert caplog.record_tuples == [
        (
            "auricle.server.wyoming_announcement",
            logging.WARNING,
            "Wyoming is not announced (Network is unreachable): tell Home Assistant the address, port 10300.",
        )
    ]


def wanted(**flags: Value) -> Effective:
    return effective({"wyoming_zeroconf": True, **flags}, {}, None)


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        ({"host": "0.0.0.0"}, "give it one with --wyoming-port 10300"),
        ({"wyoming_port": 10_300}, "which cannot reach 127.0.0.1: give --wyoming-host an address"),
    ],
)
def test_what_cannot_be_announced_is_one_sentence(flags: dict[str, Value], why: str) -> None:
    with pytest.raises(OptionError, match=why):
        serve.check_announcement(wanted(**flags))


def test_without_zeroconf_the_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = wanted(host="0.0.0.0", wyoming_port=10_300)
    serve.check_announcement(settings)
    monkeypatch.setattr(serve, "find_spec", lambda _: None)
    with pytest.raises(OptionError, match="zeroconf"):
        serve.check_announcement(settings)
