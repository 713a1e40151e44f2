"""The value that a server is made from."""

import ssl
from dataclasses import dataclass, field
from typing import Final

from auricle.core import Limits
from auricle.engines.compute import ENGINE_DEFAULTS, ComputeOptions
from auricle.engines.fallback import Isolation
from auricle.engines.turn_taking.decision import TurnRules
from auricle.engines.workers import EngineWorkers
from auricle.server.http.http_limits import HTTP_DEFAULTS, HttpLimits
from auricle.server.keys.access import Access
from auricle.server.keys.api_key import Keyring
from auricle.server.keys.session_tokens import DEFAULT_TTL_S, TokenSigner
from auricle.server.models.pool import Source
from auricle.server.models.sources import model_source
from auricle.server.service_manager.socket_activation import NOTHING_INHERITED, InheritedSockets
from auricle.server.sessions.stream_config import SPEECH_DEFAULTS
from auricle.server.sessions.turn_detection import DEFAULTS, SILENCE

DEFAULT_PORT: Final = 8765


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerConfig:
    """Configuration of a server. ``engine`` None and no ``models``: whisper, or sphinx where that is not available."""

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    engine: str | None = None
    models: tuple[str, ...] = ()
    """Models by name, each with lanes of its own; the first for clients that name none. Empty: the engine's choice."""
    language: str | None = None
    """Of clients that name none; None: it is detected."""
    silence_s: float = SPEECH_DEFAULTS.silence_s
    """Seconds of silence that end an utterance, where a client does not say."""
    max_segment_s: float = SPEECH_DEFAULTS.max_segment_s
    """Longest utterance in seconds, where a client does not say."""
    compute: ComputeOptions = ENGINE_DEFAULTS
    """Where and how the engine computes."""
    engine_isolation: Isolation = Isolation.THREAD
    """Whether the model runs in a supervised process of its own, or in this one."""
    turn_detector: str = SILENCE
    """By what it is told that a turn is over, by its name: ``silence``, ``smart-turn``, or one that is installed."""
    turns: TurnRules = DEFAULTS
    """How much silence ends a turn, where a client does not say."""
    speakers: str | None = None
    """By what it is told who speaks, by its name: ``campplus``, or one that is installed. None: nobody is named."""
    engine_workers: EngineWorkers | None = None
    """Workers of a cluster on which the one model runs instead; None: it runs on this machine."""
    node_name: str | None = None
    """The name of this server among several, as `auricle.core.node` has them: session ids carry it, and a proxy may
    have a rule for it. None: one that says nothing, and is another one after a restart."""
    limits: Limits = field(default_factory=Limits)
    http: HttpLimits = HTTP_DEFAULTS
    ping_interval_s: float = 20.0
    """Seconds between two pings to clients of dialects: proxies hang up on quiet lines, after 60 s as a rule."""
    max_sessions: int | None = None
    """Maximum number of concurrent sessions; more are refused with ``capacity``. None: no limit.

    A session that waits for its client to come back is given up where a new one needs its place.
    """
    max_sessions_per_peer: int | None = None
    """Maximum number of concurrent sessions from one address, which is everybody's behind a proxy. None: no limit."""
    max_detached: int = 1_000
    """Maximum number of sessions that wait for their clients; beyond it the longest waiting is given up."""
    keys: Keyring | None = None
    """The API keys that are asked for; None: none are, and everybody may all."""
    usage_file: str | None = None
    """Where the day's audio of each key is kept; None: in memory alone."""
    token_secret: str | None = field(default=None, repr=False)
    """What session tokens are signed with, the same on all nodes; None: a secret of this process."""
    session_token_ttl_s: float = DEFAULT_TTL_S
    """Seconds for which a session token is good."""
    allowed_origins: tuple[str, ...] = ()
    """Origins of pages that may connect besides those of this host: ``https://app.example:8443``."""
    wyoming_host: str | None = None
    """Where Wyoming listens, which has no keys; None: where all the rest does."""
    wyoming_port: int | None = None
    """Port for Home Assistant's Wyoming protocol, 0 for any; None: it is not spoken."""
    wyoming_zeroconf: bool = False
    """Whether that port is announced by multicast DNS, which needs zeroconf."""
    inherited: InheritedSockets = NOTHING_INHERITED
    """Sockets that listen already, in place of those that would be opened: ``host`` and ``port`` are theirs then."""
    tls: ssl.SSLContext | None = None
    """The context of the server's certificate; None: no TLS."""
    max_upload_bytes: int = 2**30
    """Most bytes of an uploaded form, which is stored on disk before it is heard."""
    drain_timeout_s: float = 60.0
    """Seconds that open sessions get to finish after `SpeechServer.drain`."""
    tries_models: bool = True
    """Whether a model is tried on a clip once it is loaded, and again where it has long been idle or has failed: by
    that its readiness is judged. A server for one command has audio for it at once, and nobody who asks."""


def models_of(config: ServerConfig) -> Source:
    """Return where the models of a server come from."""
    return model_source(
        engine=config.engine,
        language=config.language,
        isolation=config.engine_isolation,
        compute=config.compute,
        workers=config.engine_workers,
    )


def access_of(config: ServerConfig) -> Access:
    """Return who may do what on a server that begins."""
    secret = config.token_secret
    signer = TokenSigner() if secret is None else TokenSigner(secret.encode())
    return Access(config.keys, signer, token_ttl_s=config.session_token_ttl_s)
