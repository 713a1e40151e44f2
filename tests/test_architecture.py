"""Who may import whom, read from the imports: docs/architecture.md as a test."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS: dict[str, tuple[str, ...]] = {
    "core": ("auricle.core",),
    "transports": ("auricle.core", "auricle.transports"),
    "engines": ("auricle.core", "auricle.child_processes", "auricle.engines"),
    "server": ("auricle.core", "auricle.child_processes", "auricle.transports", "auricle.engines", "auricle.server"),
    "plugin": ("auricle.core", "auricle.transports.address", "auricle.transports.asyncio", "livekit"),
    "plugin/pipecat-auricle": ("auricle.core", "auricle.transports.asyncio", "pipecat"),
}
MOST_LINES = 400
FLOORS: dict[str, tuple[tuple[str, ...], ...]] = {
    # Lowest first: a room imports what stands before it, and nothing beside or behind it.
    "auricle.engines": (
        ("turn_results",),
        ("protocol", "compute", "plain_data"),
        ("supervised", "failures", "registered"),
        ("audio",),
        ("turn_taking",),
        ("policy",),
        ("scheduling",),
        ("session",),
        ("whisper", "sphinx", "scripted"),
        ("turns", "speakers"),
        ("registry", "loading"),
        ("isolation",),
        ("workers",),
        ("fallback", "ray"),
        ("probe",),
        ("actor",),
    ),
    "auricle.server": (
        ("printable", "cluster_view", "durable_file"),
        ("logs", "keys"),
        ("recordings", "transcripts"),
        ("dialects",),
        ("http", "status", "service_manager"),
        ("models",),
        ("sessions",),
        ("metrics",),
        ("telemetry",),
        ("uploads", "dialect_connections", "overview", "wyoming_announcement", "server_config"),
        ("second_opinions",),
        ("http_app",),
        ("app",),
        ("settings",),
        ("cli",),
        ("transcription",),
    ),
}


def files_of(room: str) -> Iterator[Path]:
    """The files of a room, without those of a room inside it."""
    inside = [ROOT / other for other in ROOMS if other.startswith(f"{room}/")]
    for path in (ROOT / room).rglob("*.py"):
        if not any(path.is_relative_to(other) for other in inside):
            yield path


SOURCES = [pytest.param(room, path, id=str(path.relative_to(ROOT))) for room in ROOMS for path in files_of(room)]


def imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize(("room", "path"), SOURCES)
def test_a_room_imports_only_what_it_may(room: str, path: Path) -> None:
    ours = [name for name in imports(ast.parse(path.read_text(encoding="utf-8"))) if name.startswith("auricle")]
    strangers = [name for name in ours if not name.startswith(ROOMS[room])]
    assert not strangers


@pytest.mark.parametrize(("room", "path"), SOURCES)
def test_nothing_is_imported_inside_a_function(room: str, path: Path) -> None:
    functions = [
        node
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    inside = [node for function in functions for node in ast.walk(function)]
    assert not [node for node in inside if isinstance(node, ast.Import | ast.ImportFrom)]


@pytest.mark.parametrize(("room", "path"), SOURCES)
def test_rooms_are_small(room: str, path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES


def test_one_root_alone_holds_the_package_and_lets_the_others_add_to_it() -> None:
    (only,) = (path for room in ROOMS if (path := ROOT / room / "auricle" / "__init__.py").exists())
    assert only == ROOT / "server" / "auricle" / "__init__.py"
    assert "__path__ = extend_path(__path__, __name__)" in only.read_text(encoding="utf-8")
    loaded = "import sys, auricle, auricle.core; print(sorted({name.partition('.')[0] for name in sys.modules}))"
    names = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True).stdout
    assert "'trio'" not in names
    assert "'numpy'" not in names


def test_every_part_of_the_namespace_is_typed() -> None:
    for room in ("core", "transports", "engines", "server"):
        assert (ROOT / room / "auricle" / room / "py.typed").exists()


def modules() -> dict[str, Path]:
    named = {}
    for room in ROOMS:
        for path in files_of(room):
            parts = path.relative_to(ROOT / room).with_suffix("").parts
            named[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return named


def imported(path: Path, known: dict[str, Path]) -> set[str]:
    """Return the modules of ours that a file imports, those for type checkers alone counted too."""
    names = imports(ast.parse(path.read_text(encoding="utf-8")))
    return {name if name in known else name.rpartition(".")[0] for name in names} & known.keys()


def test_nothing_of_ours_reads_pickles() -> None:
    """A pickle is a program: whoever writes one runs code in whoever reads it."""
    readers = {"pickle", "marshal", "shelve", "multiprocessing", "dill", "cloudpickle"}
    assert not [
        str(path.relative_to(ROOT))
        for room in ROOMS
        for path in files_of(room)
        if readers & {name.partition(".")[0] for name in imports(ast.parse(path.read_text(encoding="utf-8")))}
    ]


def test_no_import_goes_round_in_a_circle() -> None:
    known = modules()
    below = {name: imported(path, known) - {name} for name, path in known.items()}
    while leaves := {name for name, others in below.items() if not others & below.keys()}:
        below = {name: others for name, others in below.items() if name not in leaves}
    assert not below, f"in a circle, or above one: {sorted(below)}"


@pytest.mark.parametrize("package", FLOORS)
def test_no_room_imports_upwards(package: str) -> None:
    known = modules()
    floor = {room: number for number, rooms in enumerate(FLOORS[package]) for room in rooms}

    def room_of(module: str) -> str:
        return module.removeprefix(package + ".").partition(".")[0]

    inside = {name: path for name, path in known.items() if name.startswith(package + ".")}
    assert {room_of(name) for name in inside} == floor.keys(), "a room that the list of floors does not know"
    upwards = [
        f"{name} imports {other}"
        for name, path in inside.items()
        for other in imported(path, known)
        if other in inside and room_of(other) != room_of(name) and floor[room_of(other)] >= floor[room_of(name)]
    ]
    assert not upwards
