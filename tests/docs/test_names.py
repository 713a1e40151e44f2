"""Commands, flags, variables, endpoints and exit codes: all that the documentation names is there, and the reverse."""

import re
import subprocess
from pathlib import Path

import pytest
import render_reference
from reference import commands, endpoints, exit_codes

from auricle.server.cli.exit_codes import Exit
from docs.pages import ROOT, SHELLS, blocks, pages, steps, text_of

COMMANDS = dict(commands.commands())
FLAGS = {flag for command in COMMANDS.values() for flag in commands.flags(command)}
TEXTS = {str(path.relative_to(ROOT)): text_of(path) for path in pages()}
TEXTS |= {
    str(path.relative_to(ROOT)): text_of(path)
    for path in (ROOT / "deploy").rglob("*")
    if path.is_file() and path.parent.name != "requirements"
}
ALL_OF_IT = "\n".join(TEXTS.values())
SHOWN = [
    (block.page, each)
    for block in blocks()
    if block.language in SHELLS
    for command, _ in steps(block.text)
    for each in re.split(r" (?:\||&&|&)(?: |$)", re.sub(r"\s+#.*", "", command))
] + [(page, code) for page, text in TEXTS.items() for code in re.findall(r"(?<!`)`(auricle [^`\n]+)`", text)]
LINES = [
    pytest.param(found[1], id=f"{page}: {found[1]}")
    for page, command in SHOWN
    if (found := re.match(r"(?:\w+=\S+ )*(?:\.venv/bin/)?(auricle [a-z-].*)", command))
]
OF_COMPARED = set(re.findall(r"--[a-z][a-z-]*", (ROOT / "bench/peers/catalogue.py").read_text(encoding="utf-8")))
"""Flags of the servers that ours is compared with."""
OF_OTHERS = {"--cacert", "--build-arg", "--profile", "--check", *OF_COMPARED}
"""Flags of other programs that stand alone in a sentence."""
PATH = re.compile(r"(?<![\w.])(/(?:v1|ws)/[\w/.-]*\w|/healthz|/readyz|/status)\b")


# ---------------------------------------------------------------------------- what is made from the code


def test_the_reference_is_what_the_code_says() -> None:
    assert render_reference.stale() == [], "run 'python tools/render_reference.py'"


def test_a_stale_page_fails_the_check_with_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert render_reference.main([], tmp_path) == 0
    assert render_reference.main(["--check"], tmp_path) == 0
    (tmp_path / "exit-codes.md").write_text("old", encoding="utf-8")
    assert render_reference.main(["--check"], tmp_path) == 1
    assert capsys.readouterr().err == "Stale: exit-codes.md; run 'python tools/render_reference.py'.\n"


def test_an_endpoint_that_nobody_has_written_about_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    written = dict(endpoints.documented())
    gone = written.pop("GET /readyz")
    monkeypatch.setattr(endpoints, "documented", lambda: written | {"GET /nowhere": gone})
    with pytest.raises(endpoints.EndpointError, match=r"nothing about \['GET /readyz'\].*'GET /nowhere'"):
        endpoints.check()


def test_every_exit_code_has_its_sentence() -> None:
    assert exit_codes.meanings().keys() == {each.value for each in Exit}


# ---------------------------------------------------------------------------- what people wrote


@pytest.mark.parametrize("line", LINES)
def test_the_commands_have_these_flags(line: str) -> None:
    words = line.split()
    name = (
        " ".join(["auricle", *words[1:3]]) if " ".join(["auricle", *words[1:3]]) in COMMANDS else f"auricle {words[1]}"
    )
    given = {word.partition("=")[0] for word in words[1:] if re.match(r"--?[a-z]", word)}
    if words[1].startswith("-"):
        name = "auricle"
    assert name in COMMANDS, f"there is no command {name!r}"
    assert given <= commands.flags(COMMANDS[name])


def test_there_are_such_lines() -> None:
    assert len(LINES) > 30


@pytest.mark.parametrize("page", [page for page in TEXTS if page.startswith("docs/")])
def test_a_flag_in_the_prose_is_one_of_ours_or_of_a_command_that_is_shown(page: str) -> None:
    """`--flag` alone, in a sentence: flags of other programs stand there with their program."""
    alone = set(re.findall(r"`(--[a-z][a-z-]*)[ `]", TEXTS[page]))
    of_tools = set(re.findall(r"--[a-z][a-z-]*", "\n".join(block.text for block in blocks())))
    assert alone <= FLAGS | of_tools | OF_OTHERS


def test_every_variable_is_read_somewhere() -> None:
    sources = subprocess.run(
        ["git", "grep", "-hoE", "AURICLE_[A-Z_]+", "--", "*.py", "*.mjs"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    read = {*sources, *commands.variables()}
    assert set(re.findall(r"\bAURICLE_[A-Z_]*[A-Z]\b", ALL_OF_IT)) <= read


def test_every_variable_of_a_flag_is_in_the_documentation() -> None:
    assert not [name for name in commands.variables() if name not in ALL_OF_IT]


def test_every_path_is_an_endpoint() -> None:
    known = {re.sub(r"/\{.*", "", name.partition(" ")[2]) for name in endpoints.present()}
    named = {path.rstrip("/.") for path in PATH.findall(ALL_OF_IT)}
    assert named <= known
