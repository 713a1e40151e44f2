"""The table of all settings: each is a flag, a variable and a key of the file by the same name.

Defaults are written out, because the modules that hold them take too long to import for the help of a command; a test
holds the two equal. What a setting changes is a field of `ServerConfig`, by default the one of its own name.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from auricle.server.settings.kinds import (
    Choice,
    Kind,
    Names,
    NodeName,
    Number,
    Origins,
    Secret,
    Switch,
    Text,
    Value,
    Whole,
)

PREFIX: Final = "AURICLE_"


class Group(StrEnum):
    """What a setting is about; the order is that of the reference."""

    LISTENING = "Listening"
    KEYS = "Keys"
    ENGINE = "Engine"
    SESSIONS = "Sessions"
    RECOGNITION = "Recognition, where a client asks for nothing else"
    TIMES = "Times"
    SIZES = "Sizes and counts"
    LOGS = "Logs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting."""

    name: str
    """Its key in the file. What is measured ends in the unit."""
    group: Group
    kind: Kind
    default: Value = None
    help: str
    """One sentence or two, for the help of the flag and for the reference."""
    unset: str = ""
    """What it means that it is not set, where the default is None."""
    target: str = ""
    """The field of `ServerConfig` that it changes, with those of its parts behind a dot; empty: that of its name."""
    common: bool = False
    """Whether ``auricle serve --help`` names it; the others are in the reference."""
    secret: bool = False
    """Whether nobody is to read its value off a screen or a log."""
    reloads: bool = False
    """Whether SIGHUP reads it again; every other one needs a new start."""

    @property
    def flag(self) -> str:
        """Its flag on the command line."""
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        """Its variable in the environment."""
        return PREFIX + self.name.upper()

    @property
    def field(self) -> str:
        """The field of `ServerConfig` that it changes."""
        return self.target or self.name


def _limit(name: str, group: Group, kind: Kind, default: Value, meaning: str, field: str | None = None) -> Setting:
    """Return a setting of the protocol's limits, which ``ready.limits`` tells every client."""
    return Setting(name=name, group=group, kind=kind, default=default, help=meaning, target=f"limits.{field or name}")


_LISTENING: Final = (
    Setting(
        name="host", group=Group.LISTENING, kind=Text(what="a name or an address of this machine"),
        default="127.0.0.1", common=True, help="Where to listen; 0.0.0.0 is everywhere.",
    ),
    Setting(
        name="port", group=Group.LISTENING, kind=Whole(least=0, most=65_535), default=8765, common=True,
        help="The port of everything but Wyoming; 0 takes a free one.",
    ),
    Setting(
        name="wyoming_port", group=Group.LISTENING, kind=Whole(least=0, most=65_535), common=True,
        unset="it is not spoken", help="For Home Assistant: 10300 there. It has no keys.",
    ),
    Setting(
        name="wyoming_zeroconf", group=Group.LISTENING, kind=Switch(), default=False, common=True,
        help="Announce that port by multicast DNS: Home Assistant finds it by itself.",
    ),
    Setting(
        name="wyoming_host", group=Group.LISTENING, kind=Text(what="a name or an address of this machine"),
        unset="as host", help="Where Wyoming listens: the loopback or a private network, for it has no keys.",
    ),
    Setting(
        name="tls_cert", group=Group.LISTENING, kind=Text(what="a file"), common=True, unset="no TLS",
        help="Certificate chain in PEM, for https.",
    ),
    Setting(
        name="tls_key", group=Group.LISTENING, kind=Text(what="a file"), common=True,
        unset="in the file of the certificate", help="Its key, where that is another file.",
    ),
    Setting(
        name="tls_self_signed", group=Group.LISTENING, kind=Switch(), default=False, common=True,
        help="A certificate of our own making, for development.",
    ),
    Setting(
        name="node_name", group=Group.LISTENING, kind=NodeName(), common=True,
        unset="a random one", help="This server's name among several behind a proxy; session ids carry it.",
    ),
    Setting(
        name="allow_origin", group=Group.LISTENING, kind=Origins(), default=(), common=True,
        target="allowed_origins",
        help="Pages from there may connect, as in https://app.example; may be given again. Needed behind a proxy.",
    ),
    Setting(
        name="max_connections", group=Group.LISTENING, kind=Whole(least=1, most=1_000_000), default=1_000,
        target="http.max_connections",
        help="Connections at once. It needs as many open files, which is `ulimit -n`.",
    ),
)  # fmt: skip
_KEYS: Final = (
    Setting(
        name="keys_file", group=Group.KEYS, kind=Text(what="a file"), common=True, unset="no keys are asked for",
        help="The file of keys, as `auricle keys add` makes it; what is in it is read again at SIGHUP.",
    ),
    Setting(
        name="usage_file", group=Group.KEYS, kind=Text(what="a file"), common=True,
        unset="a new start begins anew",
        help="Where a day's audio of each key is kept. Servers that name the same file count together.",
    ),
    Setting(
        name="insecure", group=Group.KEYS, kind=Switch(), default=False, common=True,
        help="Listen beyond the loopback without keys, as behind a proxy that has its own.",
    ),
    Setting(
        name="token_secret", group=Group.KEYS, secret=True,
        kind=Secret(least=32), unset="one of this process",
        help="What session tokens are signed with: the same on all nodes behind a proxy. Not as a flag, which is seen.",
    ),
    Setting(
        name="session_token_ttl_s", group=Group.KEYS, kind=Number(least=1.0, most=86_400.0), default=60.0,
        help="How long a session token is good for new sessions.",
    ),
)  # fmt: skip
_ENGINE: Final = (
    Setting(
        name="engine", group=Group.ENGINE, kind=Text(what="the name of an engine"), common=True,
        unset="whisper, or sphinx where that is not available",
        help="whisper, sphinx, scripted, or an installed one; no fallback.",
    ),
    Setting(
        name="model", group=Group.ENGINE, kind=Names(what="models' names or directories"), common=True, default=(),
        target="models",
        help="A model's name or its directory; no fallback. May be given again: clients choose by name, or get the "
        "first. Without it: the engine's choice.",
    ),
    Setting(
        name="engine_isolation", group=Group.ENGINE, kind=Choice(words=("process", "thread")), default="process",
        common=True, help="process: a crash or a hang of the model costs no session. thread: for small machines.",
    ),
    Setting(
        name="engine_workers", group=Group.ENGINE, kind=Text(what="the address of a Ray cluster"), common=True,
        unset="the model runs on this machine",
        help="Decode on a Ray cluster: ray for the one of this machine, ray:HOST:PORT, or ray://HOST:PORT.",
    ),
    Setting(
        name="max_engine_workers", group=Group.ENGINE, kind=Whole(least=1, most=128), unset="all the room there is",
        help="This server's share of the cluster, where several use it.",
    ),
    Setting(
        name="device", group=Group.ENGINE, kind=Text(what="a device"), common=True, unset="the engine's choice",
        target="compute.device", help="Where the model runs: cpu, cuda or cuda:1.",
    ),
    Setting(
        name="compute_type", group=Group.ENGINE, kind=Text(what="a type of numbers"), common=True,
        unset="the engine's choice", target="compute.compute_type", help="Of its weights: int8, float16, float32 …",
    ),
    Setting(
        name="beam_size", group=Group.ENGINE, kind=Whole(least=1, most=10), common=True, unset="the engine's choice",
        target="compute.beam_size", help="Hypotheses that a final follows; 1 is greedy search.",
    ),
    Setting(
        name="threads", group=Group.ENGINE, kind=Whole(least=1, most=1_024), common=True, unset="the engine's choice",
        target="compute.threads", help="Decodes at once on processors: the engine's lanes.",
    ),
)  # fmt: skip
_SESSIONS: Final = (
    Setting(
        name="max_sessions", group=Group.SESSIONS, kind=Whole(least=1, most=1_000_000), common=True, reloads=True,
        unset="as many as the engine keeps up with", help="Refuse whoever comes on top of that.",
    ),
    Setting(
        name="max_sessions_per_peer", group=Group.SESSIONS, kind=Whole(least=1, most=1_000_000), common=True,
        reloads=True, unset="no limit", help="The same for each address; behind a proxy all clients have its own.",
    ),
    Setting(
        name="max_detached", group=Group.SESSIONS, kind=Whole(least=0, most=1_000_000), default=1_000, reloads=True,
        help="Sessions that may wait for their clients to come back; beyond it the longest waiting is given up.",
    ),
    _limit(
        "resume_window_s", Group.SESSIONS, Number(may_be_zero=True), 30.0,
        "How long a session waits for its client to come back; 0: it ends with its connection.",
    ),
    _limit(
        "session_max_s", Group.SESSIONS, Number(may_be_infinite=True), 14_400.0,
        "After this the input of a session is ended, with all results.",
    ),
    _limit(
        "session_warning_s", Group.SESSIONS, Number(may_be_zero=True), 60.0, "So long before, its client is warned.",
    ),
    Setting(
        name="drain_timeout_s", group=Group.SESSIONS, kind=Number(), default=60.0,
        help="How long open sessions get to finish after a signal to stop.",
    ),
)  # fmt: skip
_RECOGNITION: Final = (
    Setting(
        name="language", group=Group.RECOGNITION, kind=Text(what="a language, as in en or de"), common=True,
        unset="it is detected", help="As in en or de; without it: detected.",
    ),
    Setting(
        name="silence_s", group=Group.RECOGNITION, kind=Number(least=0.1, most=10.0), default=0.5,
        help="Silence that ends an utterance.",
    ),
    Setting(
        name="max_segment_s", group=Group.RECOGNITION, kind=Number(least=1.0, most=28.0), default=24.0,
        help="How long an utterance may get; a longer one is cut.",
    ),
    Setting(
        name="turn_detector", group=Group.RECOGNITION, kind=Text(what="the name of a turn detector"),
        default="silence", common=True,
        help="By what the end of a turn is told: silence, smart-turn (extra turns), or an installed one.",
    ),
    Setting(
        name="speakers", group=Group.RECOGNITION, kind=Text(what="the name of a voice embedder"),
        unset="nobody is named", common=True,
        help="By what it is told who speaks, to clients that ask: campplus, or an installed one.",
    ),
    Setting(
        name="turn_timeout_s", group=Group.RECOGNITION, kind=Number(least=0.5, most=60.0), default=0.7,
        target="turns.longest_s", help="Silence that ends any turn.",
    ),
)  # fmt: skip
_TIMES: Final = (
    _limit("hello_timeout_s", Group.TIMES, Number(), 10.0, "From an open connection to `start`."),
    _limit("load_timeout_s", Group.TIMES, Number(), 900.0, "How long a session waits for the model to be ready."),
    _limit(
        "idle_timeout_s", Group.TIMES, Number(may_be_infinite=True), 60.0,
        "Without any frame from a client, while its input is open.",
    ),
    _limit(
        "legacy_idle_timeout_s", Group.TIMES, Number(may_be_infinite=True), 300.0,
        "The same for clients of dialects, which have no ping.",
    ),
    _limit(
        "audio_idle_s", Group.TIMES, Number(may_be_infinite=True), float("inf"),
        "After so long without audio the input is ended.",
    ),
    _limit("ack_interval_s", Group.TIMES, Number(), 0.25, "Least time between two `ack`."),
    _limit(
        "progress_interval_s", Group.TIMES, Number(), 5.0,
        "Most time without a frame for a client while the server is loading, behind or draining.",
    ),
    _limit(
        "stall_timeout_s", Group.TIMES, Number(), 120.0, "While audio waits for an engine that processes none of it.",
    ),
    _limit(
        "end_timeout_s", Group.TIMES, Number(), 30.0,
        "Without any progress after the end of input, on top of 1.5 times the audio not yet heard.", "drain_timeout_s",
    ),
    _limit("close_timeout_s", Group.TIMES, Number(), 5.0, "For the closing handshake of a connection."),
    _limit("write_stall_s", Group.TIMES, Number(), 30.0, "A write that has been blocked so long has failed."),
    Setting(
        name="ping_interval_s", group=Group.TIMES, kind=Number(), default=20.0,
        help="Between two WebSocket pings to clients of dialects: proxies hang up on quiet lines, most after 60.",
    ),
    Setting(
        name="head_timeout_s", group=Group.TIMES, kind=Number(), default=5.0, target="http.head_timeout_s",
        help="For the complete head of a request, however slowly it comes.",
    ),
    Setting(
        name="keep_alive_s", group=Group.TIMES, kind=Number(), default=5.0, target="http.keep_alive_s",
        help="From a response to the complete head of the next request on that connection.",
    ),
    Setting(
        name="body_stall_s", group=Group.TIMES, kind=Number(), default=60.0, target="http.body_stall_s",
        help="How long the next bytes of an upload are waited for.",
    ),
)  # fmt: skip
_SIZES: Final = (
    _limit("prebuffer_s", Group.SIZES, Number(may_be_zero=True), 2.0, "Audio that may be sent before `ready`."),
    _limit("window_s", Group.SIZES, Number(), 30.0, "Audio that a client may be ahead of the engine."),
    _limit("max_audio_s", Group.SIZES, Number(), 10.0, "Longest audio in one binary frame."),
    _limit("max_audio_bytes", Group.SIZES, Whole(least=64, most=10**9, unit="bytes"), 2**20, "Longest binary frame."),
    _limit(
        "max_text_bytes", Group.SIZES, Whole(least=1, most=10**9, unit="bytes"), 2**16, "Longest text message.",
    ),
    _limit(
        "max_start_bytes", Group.SIZES, Whole(least=1, most=10**9, unit="bytes"), 2**18, "Longest `start`.",
    ),
    Setting(
        name="max_upload_bytes", group=Group.SIZES, kind=Whole(least=1, most=2**50, unit="bytes"), default=2**30,
        help="Largest uploaded form, which is stored on disk before it is heard.",
    ),
    _limit(
        "max_record", Group.SIZES, Whole(least=1, most=10**9), 4_096,
        "Messages kept for a client that might come back.",
    ),
    _limit("max_flushes_pending", Group.SIZES, Whole(least=1, most=10**9), 16, "Flushes that may be unanswered."),
    _limit(
        "max_flushes_per_s", Group.SIZES, Whole(least=1, most=10**9), 4,
        "Flushes a second, on average over as many as may be unanswered.",
    ),
    _limit("max_changes_pending", Group.SIZES, Whole(least=1, most=10**9), 4, "Changes that may be unanswered."),
    _limit(
        "max_engine_failures", Group.SIZES, Whole(least=1, most=10**9), 3,
        "Utterances in a row that may fail before their session is given up.",
    ),
)  # fmt: skip
_LOGS: Final = (
    Setting(
        name="log_level", group=Group.LOGS, kind=Choice(words=("debug", "info", "warning", "error")), default="info",
        common=True, reloads=True, help="info: a line for each session, at its end. Refusals and errors always.",
    ),
    Setting(
        name="log_format", group=Group.LOGS, kind=Choice(words=("auto", "text", "json")), default="auto", common=True,
        help="auto: lines for people on a terminal, else a JSON object each.",
    ),
)  # fmt: skip

SETTINGS: Final[Mapping[str, Setting]] = MappingProxyType(
    {
        setting.name: setting
        for setting in (*_LISTENING, *_KEYS, *_ENGINE, *_SESSIONS, *_RECOGNITION, *_TIMES, *_SIZES, *_LOGS)
    }
)
"""Every setting, by its name."""
