"""Where settings come from, which source wins, and how wrong ones are refused."""

import tomllib
from collections.abc import Mapping
from dataclasses import fields
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from auricle.core import Limits
from auricle.engines.fallback import Isolation
from auricle.server.server_config import ServerConfig
from auricle.server.settings.effective import Effective, effective
from auricle.server.settings.from_settings import ELSEWHERE, server_config
from auricle.server.settings.kinds import Value, as_toml
from auricle.server.settings.schema import SETTINGS
from auricle.server.settings.sources import SettingsError

ORIGINS = ("flag", "environment", "file")


def settings(
    flags: Mapping[str, Value] | None = None,
    environment: Mapping[str, str] | None = None,
    text: str | None = None,
    folder: Path | None = None,
) -> Effective:
    path = None
    if text is not None:
        assert folder is not None
        path = str(folder / "auricle.toml")
        Path(path).write_text(text, encoding="utf-8")
    return effective(flags or {}, environment or {}, path)


@pytest.mark.parametrize("given_by", [set(each) for count in range(4) for each in combinations(ORIGINS, count)])
def test_a_flag_wins_over_a_variable_over_the_file_over_the_default(given_by: set[str], tmp_path: Path) -> None:
    made = settings(
        {"port": "1"} if "flag" in given_by else {"port": None},
        {"AURICLE_PORT": "2"} if "environment" in given_by else {},
        "# a comment\nport = 3\n" if "file" in given_by else "",
        tmp_path,
    )
    expected = next((name for name in ORIGINS if name in given_by), "default")
    value, source = made.given["port"]
    assert value == {"flag": 1, "environment": 2, "file": 3, "default": 8765}[expected]
    assert source.origin.value == expected
    where = {"flag": "--port", "environment": "AURICLE_PORT", "file": f"{tmp_path}/auricle.toml:2", "default": ""}
    assert source.where == where[expected]


def test_the_variable_names_the_file_too_and_the_flag_another(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("port = 1")
    (tmp_path / "b.toml").write_text("port = 2")
    environment = {"AURICLE_CONFIG": str(tmp_path / "a.toml")}
    assert effective({}, environment, None).value("port") == 1
    assert effective({}, environment, str(tmp_path / "b.toml")).value("port") == 2


def test_what_is_empty_is_not_given() -> None:
    made = settings({"allow_origin": (), "model": None}, {"AURICLE_MODEL": "", "AURICLE_PORT": ""})
    assert made == settings()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("\nmax_sesions = 5", "auricle.toml:2: there is no setting 'max_sesions'; the nearest is max_sessions."),
        ("[server]\nport = 5", "auricle.toml:1: there is no setting 'server'; `auricle config` prints those"),
        ("xyzzy = 1", "auricle.toml:1: there is no setting 'xyzzy'; `auricle config` prints those that there are."),
        ("port = '8765'", "auricle.toml:1: port takes a whole number from 0 to 65535, and not '8765'."),
        ("\n\n  idle_timeout_s = 0", "auricle.toml:3: idle_timeout_s takes a number of seconds above 0"),
        ("log_level = 'loud'", "log_level takes debug, info, warning or error, and not 'loud'."),
        ("port = ", "auricle.toml is no TOML: Invalid value (at end of document)"),
        ("port = 1\nport = 2", "auricle.toml is no TOML: Cannot overwrite a value (at "),
    ],
)  # fmt: skip
def test_a_wrong_file_is_one_sentence_with_the_line(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(SettingsError) as wrong:
        settings(text=text, folder=tmp_path)
    assert sentence in str(wrong.value)
    assert "\n" not in str(wrong.value)


@pytest.mark.parametrize(
    ("flags", "environment", "sentence"),
    [
        ({"port": "99999"}, {}, "--port takes a whole number from 0 to 65535, and not '99999'."),
        ({"allow_origin": ("*",)}, {}, "--allow-origin takes schemes and hosts, as in https://app.example:8443,"),
        ({}, {"AURICLE_THREADS": "many"}, "AURICLE_THREADS takes a whole number from 1 to 1024, and not 'many'."),
        ({}, {"AURICLE_MAX_SESION": "5"}, "There is no variable 'AURICLE_MAX_SESION'; the nearest is AURICLE_MAX_SES"),
        ({}, {"AURICLE_TLS_SELF_SIGNED": "perhaps"}, "AURICLE_TLS_SELF_SIGNED takes true or false, and not 'perhaps'."),
    ],
)  # fmt: skip
def test_wrong_flags_and_variables_are_one_sentence(
    flags: Mapping[str, Value], environment: Mapping[str, str], sentence: str
) -> None:
    with pytest.raises(SettingsError) as wrong:
        settings(flags, environment)
    assert str(wrong.value).startswith(sentence)


def test_variables_of_others_are_theirs() -> None:
    """Kubernetes sets the first four for a service named auricle."""
    others = {
        "AURICLE_PORT": "tcp://10.0.0.7:8765",
        "AURICLE_SERVICE_HOST": "10.0.0.7",
        "AURICLE_SERVICE_PORT": "8765",
        "AURICLE_PORT_8765_TCP_ADDR": "10.0.0.7",
        "AURICLE_INSTALL": "1",
        "AURICLE_TRACE": "traces",
        "PORT": "1",
    }
    assert settings({}, others) == settings()


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda path: None, "Cannot read the settings of "),
        (lambda path: path.mkdir(), "is a directory"),
        (lambda path: path.write_bytes(b"port = 1 # \xff"), "is not in UTF-8"),
        (lambda path: path.write_bytes(b"#" * (2**20 + 1)), "it has more than 1048576 bytes"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path: Path, make: Any, sentence: str) -> None:
    path = tmp_path / "auricle.toml"
    make(path)
    with pytest.raises(SettingsError, match=sentence):
        effective({}, {}, str(path))


# ---------------------------------------------------------------------------- what the settings make


def test_the_defaults_of_the_table_are_those_of_the_server() -> None:
    made, plain = server_config(settings()), ServerConfig()
    assert made.engine_isolation is Isolation.PROCESS
    for field in fields(ServerConfig):
        if field.name != "engine_isolation":
            assert getattr(made, field.name) == getattr(plain, field.name), field.name


def test_every_limit_of_a_server_is_a_setting() -> None:
    """Those that are left are a client's."""
    ours = {setting.field.partition(".")[2] for setting in SETTINGS.values() if setting.field.startswith("limits.")}
    clients = {
        "connect_timeout_s", "ready_timeout_s", "ping_interval_s", "silence_timeout_s", "flush_timeout_s",
        "drain_silence_s", "legacy_drain_silence_s", "abort_timeout_s", "reconnect_timeout_s", "reconnect_min_s",
        "reconnect_max_s", "max_reconnects", "reconnect_reset_s", "backlog_s", "max_message_bytes", "ring_s",
    }  # fmt: skip
    assert ours | clients == {field.name for field in fields(Limits)}
    assert not ours & clients


def other_value(name: str) -> Value:
    """Return a value that is not the default."""
    setting = SETTINGS[name]
    tries: list[Value] = [2, 3, 1.5, 0.9, "text", "s" * 40, "warning", "thread", True, ("https://app.example",)]
    for each in tries:
        try:
            value = setting.kind.from_toml(list(each) if isinstance(each, tuple) else each)
        except ValueError:
            continue
        if value != setting.default and type(value) is type(setting.default or value):
            return value
    return 4_097


@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_reaches_the_server_by_each_way(name: str, tmp_path: Path) -> None:
    value, setting = other_value(name), SETTINGS[name]
    text = ",".join(value) if isinstance(value, tuple) else str(value)
    by_flag = settings({name: text})
    by_variable = settings({}, {setting.variable: text})
    by_file = settings(text=f"{name} = {as_toml(value)}", folder=tmp_path)
    assert by_flag.value(name) == by_variable.value(name) == by_file.value(name) == value
    if name in ELSEWHERE:
        return
    changed: Any = server_config(by_file)
    for part in setting.field.split("."):
        changed = getattr(changed, part)
    assert changed == value
    assert server_config(by_file) == server_config(by_flag) != server_config(settings())


def test_what_is_printed_is_a_file_that_says_the_same(tmp_path: Path) -> None:
    flags = {
        name: (value if isinstance(value, tuple) else str(value)) for name in SETTINGS if (value := other_value(name))
    }
    for made in (settings(), settings(flags)):
        for explains in (False, True):
            printed = made.as_toml(explains=explains)
            again = settings(text=printed, folder=tmp_path)
            assert {name: again.value(name) for name in SETTINGS} == {
                name: None if setting.secret else made.value(name) for name, setting in SETTINGS.items()
            }, "secrets are not printed"
            assert all(f"{name} =" in printed for name in SETTINGS)
    assert tomllib.loads(settings().as_toml(explains=False)).keys() <= SETTINGS.keys()


def test_it_is_told_what_has_changed() -> None:
    assert [setting.name for setting in settings().changes(settings({"max_sessions": "5", "port": "8765"}))] == [
        "max_sessions"
    ]
