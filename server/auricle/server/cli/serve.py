"""``auricle serve``: run the server in the foreground; SIGTERM or Ctrl-C drains it."""

import logging
import os
import signal
import ssl
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec

import trio
from rich.console import Console

from auricle.engines.workers import EngineWorkers
from auricle.server.app import ServerConfig, SpeechServer, running_server
from auricle.server.cli.early_signals import SIGNALS
from auricle.server.cli.engine_progress import wait_for_engine
from auricle.server.cli.exit_codes import Exit
from auricle.server.cli.exposure import check_exposure
from auricle.server.cli.extras import how_to_install
from auricle.server.cli.option_errors import OptionError
from auricle.server.cli.reloading import Files, reload_on_signal
from auricle.server.cli.self_signed import self_signed
from auricle.server.cli.service_reports import report, status_line, with_inherited_sockets
from auricle.server.http.negotiation import is_loopback_host
from auricle.server.http.tls import CertificateError, server_context
from auricle.server.keys.access import utc_now
from auricle.server.keys.api_key import Keyring
from auricle.server.keys.day_audio import DayAudio
from auricle.server.keys.key_file import KeyFileError, read_keys
from auricle.server.keys.usage_file import UsageFile, UsageFileError
from auricle.server.service_manager.notifications import Notifications, take_notifications
from auricle.server.settings.effective import Effective
from auricle.server.settings.from_settings import server_config

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is to be served."""

    settings: Effective
    config: ServerConfig
    read: Callable[[], Effective]
    """Reads the settings again. Raises `SettingsError`."""


def request(settings: Effective, read: Callable[[], Effective]) -> Request:
    """Return what is to be served, with the files that the settings name. Raises `OptionError`."""
    keys_file, usage_file = _file(settings, "keys_file"), _file(settings, "usage_file")
    config = server_config(settings, tls_context(settings), None if keys_file is None else keyring(keys_file))
    config = replace(config, engine_workers=engine_workers(settings))
    if keys_file is not None and usage_file is not None:
        check_usage_file(usage_file)
    config = with_inherited_sockets(config, os.environ, os.getpid())
    if not settings.value("insecure"):
        check_exposure(config)
    return Request(settings=settings, config=config, read=read)


def engine_workers(settings: Effective) -> EngineWorkers | None:
    """Return where an engine's workers run, None where it runs on this machine. Raises `OptionError`."""
    address, most, models = (settings.value(name) for name in ("engine_workers", "max_engine_workers", "model"))
    if address is None:
        if most is not None:
            raise OptionError("--max-engine-workers bounds workers of a cluster: name it with --engine-workers too.")
        return None
    if isinstance(models, tuple) and len(models) > 1:
        raise OptionError("--engine-workers run one model, and there are several --model: give each a server.")
    try:
        return EngineWorkers(address=str(address), most=None if most is None else int(str(most)))
    except ValueError as error:
        raise OptionError(str(error)) from error


def files_of(settings: Effective) -> Files:
    """Return what is in the files of keys and of the certificate now. Raises `OptionError`."""
    keys_file, has_certificate = _file(settings, "keys_file"), settings.value("tls_cert") is not None
    return Files(
        keys=None if keys_file is None else keyring(keys_file),
        tls=tls_context(settings) if has_certificate else None,
    )


def keyring(file: str) -> Keyring:
    """Return the keys of a file. Raises `OptionError`."""
    try:
        return Keyring(read_keys(file))
    except KeyFileError as error:
        raise OptionError(str(error)) from error


def check_usage_file(file: str) -> None:
    """Check that the day's audio can be kept in a file. Raises `OptionError`."""
    try:
        UsageFile(file).add(DayAudio(day=utc_now().date(), samples={}))
    except UsageFileError as error:
        raise OptionError(str(error)) from error


def tls_context(settings: Effective) -> ssl.SSLContext | None:
    """Return the TLS context of the settings, None without any. Raises `OptionError`."""
    certificate, key = _file(settings, "tls_cert"), _file(settings, "tls_key")
    self_signed_for = str(settings.value("host")) if settings.value("tls_self_signed") else None
    if self_signed_for is not None:
        if certificate or key:
            raise OptionError("--tls-self-signed makes a certificate, and --tls-cert brings one: give one of them.")
        made = self_signed(self_signed_for)
        logger.warning(
            "The certificate is of our own making: clients trust it with SSL_CERT_FILE=%s (Node.js: "
            "NODE_EXTRA_CA_CERTS, curl: --cacert); a browser asks.",
            made.authority,
        )
        return server_context(made.certificate)
    if certificate is None:
        if key is not None:
            raise OptionError("--tls-key is of no use without its certificate: give --tls-cert too.")
        return None
    try:
        return server_context(certificate, key)
    except CertificateError as error:
        raise OptionError(str(error)) from error


def check_announcement(settings: Effective) -> None:
    """Check that the Wyoming port can be announced, where the settings want it. Raises `OptionError`."""
    if not settings.value("wyoming_zeroconf"):
        return
    host = str(settings.value("wyoming_host") or settings.value("host"))
    if settings.value("wyoming_port") is None:
        raise OptionError("--wyoming-zeroconf announces the Wyoming port: give it one with --wyoming-port 10300.")
    if is_loopback_host(host):
        raise OptionError(
            f"--wyoming-zeroconf announces this server to the network, which cannot reach {host}: give "
            "--wyoming-host an address of a private network."
        )
    if find_spec("zeroconf") is None:
        raise OptionError(f"--wyoming-zeroconf needs zeroconf: {how_to_install('zeroconf')}.")


def _file(settings: Effective, name: str) -> str | None:
    path = settings.value(name)
    return None if path is None else str(path)


async def serve(request: Request) -> Exit:
    """Serve until a signal. The first one drains, so that sessions get their last finals; the second stops at once.

    SIGHUP reads settings, keys and certificate again, and ends no session but those of keys that are gone. A service
    manager that started this process is told how it is doing.

    A signal while the model loads is as good an end as any later one. Raises `ListenError` and `EngineUnavailable`.
    """
    config, read_files = request.config, partial(files_of, request.settings)
    notifications = take_notifications(os.environ, os.getpid())
    async with running_server(config) as server, trio.open_nursery() as nursery:
        loading = trio.CancelScope()
        await nursery.start(_stop_on_signal, server, loading, nursery.cancel_scope, notifications)
        await nursery.start(reload_on_signal, server, request.settings, request.read, read_files, notifications)
        nursery.start_soon(report, server, notifications)
        with loading:
            engine = await wait_for_engine(server, Console(stderr=True), server.engine_ready)
            _announce(server, config, engine)
            notifications.ready(status_line(server.status()))
        await server.stopped()
        nursery.cancel_scope.cancel()
    return Exit.GOOD


def _announce(server: SpeechServer, config: ServerConfig, engine: str) -> None:
    """Greet whoever has started the server, on standard output; everything else that it says is its log."""
    if server.fallback_reason is not None:
        logger.warning(server.fallback_reason)
    if config.keys is None and not is_loopback_host(config.host):
        logger.warning(
            "Anybody who can reach %s can use this server: it has no keys%s.",
            config.host,
            "" if config.tls else ", and no TLS without --tls-cert",
        )
    if config.keys is not None and not len(config.keys):
        logger.warning("The file of keys is empty, and nobody is let in: `auricle keys add NAME` makes a key.")
    if config.usage_file is None and config.keys is not None and config.keys.has_days:
        logger.warning("Minutes of audio are counted in memory, and anew after a start: --usage-file FILE keeps them.")
    logger.info("serving", extra={"url": server.url, "engine": engine})
    if server.wyoming_port is not None:
        print(f"Home Assistant connects to port {server.wyoming_port} (Wyoming)", flush=True)
    print(f"auricle listens on {server.url} and {engine} answers; the page is {server.page_url}", flush=True)


async def _stop_on_signal(
    server: SpeechServer,
    loading: trio.CancelScope,
    everything: trio.CancelScope,
    notifications: Notifications,
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Drain at the first of the `SIGNALS`, and wait for no engine any more; cancel ``everything`` at the next one."""
    with trio.open_signal_receiver(*SIGNALS) as signals:
        task_status.started()
        async for number in signals:
            if server.draining:
                everything.cancel()
                return
            logger.info("%s: draining", signal.Signals(number).name)
            server.drain()
            notifications.stopping(status_line(server.status()))
            loading.cancel()
