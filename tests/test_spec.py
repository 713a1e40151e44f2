"""The specification is what the core says, its schema agrees with the decoder, and its examples really happened."""

import json
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any

import pytest
import render_spec
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from spec import (
    asyncapi,
    attachment_tables,
    diagram,
    document,
    examples,
    json_schema,
    model,
    source,
    tables,
    transitions,
)
from spec.transitions import Automaton

from auricle.core import Limits, Role, codec, schema
from auricle.core.errors import ERROR_CODES
from auricle.core.messages import Audio, Cancel, Malformed
from auricle.core.outcomes import Barred, Effect, Ignore, Rule
from auricle.core.rules import HEARD_BY_SERVER, LOCAL_TO_SERVER
from auricle.core.rules.attachment import MOVES
from auricle.core.states import Attachment, AttachmentEvent, Kind, State

SCHEMA = json_schema.document()
DEFINITIONS: Mapping[str, Any] = SCHEMA["$defs"]
NAMES = [shape.name for shape in model.messages()]
SENDERS = {shape.name: Role.CLIENT for shape in model.client_messages()} | {
    shape.name: Role.SERVER for shape in model.server_messages()
}


def validator(definition: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": f"#/$defs/{definition}", "$defs": DEFINITIONS})


# ---------------------------------------------------------------------------- staleness


def test_what_is_in_docs_is_what_the_core_says() -> None:
    assert render_spec.stale(render_spec.DOCS) == [], "run 'python tools/render_spec.py'"


def test_a_stale_document_fails_the_check_with_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert render_spec.main([], tmp_path) == 0
    assert render_spec.main(["--check"], tmp_path) == 0
    (tmp_path / "protocol.json").write_text("{}", encoding="utf-8")
    assert render_spec.main(["--check"], tmp_path) == 1
    (sentence,) = capsys.readouterr().err.splitlines()
    assert "docs/protocol.json" in sentence
    assert "protocol.md" not in sentence


def test_a_rule_that_changes_makes_it_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    row = LOCAL_TO_SERVER[Kind.AUDIO_IDLE]
    monkeypatch.setitem(row, State.READY, (Rule((Effect.STOP_INPUT,), State.DRAINING),))  # type: ignore[arg-type]
    assert render_spec.stale(render_spec.DOCS) == ["protocol.md", "protocol-server.svg"]


def test_a_move_of_the_attachment_that_changes_makes_it_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    row = MOVES[Role.CLIENT][AttachmentEvent.RESTART]
    monkeypatch.setitem(row, Attachment.GATED, Barred("there is no second server"))  # type: ignore[arg-type]
    assert render_spec.stale(render_spec.DOCS) == ["protocol.md", "protocol-client-connection.svg"]


def test_a_rule_that_forbids_an_example_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    row = HEARD_BY_SERVER[Kind.END_INPUT]
    monkeypatch.setitem(row, State.STREAMING, (Ignore("nothing ever ends"),))  # type: ignore[arg-type]
    with pytest.raises(source.SpecError, match=r"^The example '\w+' cannot be held any more: .*\.$"):
        document.render()


def test_a_field_that_changes_makes_it_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(schema.hints(Cancel), "reason", Annotated[str, schema.MaxLength(300)])  # type: ignore[arg-type]
    assert render_spec.stale(render_spec.DOCS) == ["protocol.md", "protocol.json", "asyncapi.yaml"]


def test_a_limit_that_changes_makes_it_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Limits, "__init__", _slower(Limits.__init__))
    assert "protocol.md" in render_spec.stale(render_spec.DOCS)


def _slower(init: Any) -> Any:
    def slower(self: Limits, **arguments: Any) -> None:
        init(self, **{"prebuffer_s": 3.0} | arguments)

    return slower


def test_an_error_code_that_changes_makes_it_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ERROR_CODES, "idle", ERROR_CODES["idle"]._replace(close_code=4499))  # type: ignore[arg-type]
    assert "protocol.md" in render_spec.stale(render_spec.DOCS)


def test_a_field_without_documentation_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "_written", lambda: {"*": {}})
    with pytest.raises(source.SpecError, match=r"^The field \w+\.\w+ has no documentation"):
        model.messages()


def test_documentation_of_what_does_not_exist_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    written = model._written()
    monkeypatch.setattr(model, "_written", lambda: {**written, "flush": {**written["flush"], "bang": "What?"}})
    with pytest.raises(source.SpecError, match=r"flush\.bang"):
        model.check_written()


def test_a_template_that_asks_for_what_does_not_exist_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    template = tmp_path / "template.md"
    template.write_text("{{limit no_such_limit}}", encoding="utf-8")
    monkeypatch.setattr(document, "TEMPLATE", template)
    with pytest.raises(source.SpecError, match="limit 'no_such_limit'"):
        document.render()


# ---------------------------------------------------------------------------- the examples


@pytest.fixture(params=[scene.__name__ for scene in examples.V1_SCENES])
def frames(request: pytest.FixtureRequest) -> list[tuple[Role, dict[str, Any]]]:
    return [
        (by, json.loads(frame)) for by, frame in examples.held(request.param).frames if not isinstance(frame, bytes)
    ]


def test_every_frame_of_the_examples_is_a_message_by_the_schema(frames: list[tuple[Role, dict[str, Any]]]) -> None:
    for by, body in frames:
        validator(f"{by.value}_message").validate(body)
        if body["type"] in SENDERS:
            validator(body["type"]).validate(body)


def test_the_examples_have_every_message() -> None:
    said = {
        json.loads(frame)["type"]
        for scene in examples.V1_SCENES
        for _, frame in examples.held(scene.__name__).frames
        if not isinstance(frame, bytes)
    }
    assert set(NAMES) <= said


@pytest.mark.parametrize("name", ["dictation", "flushes", "configured", "muted", "resumed", "session_gone"])
def test_the_examples_that_go_well_are_complete(name: str) -> None:
    closed = examples.SCENES[name]().client.closed
    assert closed is not None
    assert closed.complete, closed.message


# ---------------------------------------------------------------------------- the schema and the decoder


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_every_reference_leads_somewhere() -> None:
    for tree in (SCHEMA, yaml.safe_load(asyncapi.render())):
        for reference in _references(tree):
            node: Any = tree
            for step in reference.removeprefix("#/").split("/"):
                node = node[step]


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        node = list(node.values())
    if isinstance(node, list):
        for item in node:
            yield from _references(item)


# An integer spelt 1.0 is the one thing that JSON Schema cannot tell from 1.
FRACTIONS = st.floats(allow_nan=False, allow_infinity=False).filter(lambda value: not value.is_integer())
EDGES = st.sampled_from([-1, 0, 1, 99, 100, 4_000, 192_000, 192_001, 2**53 - 1, 2**53, 10**400, 0.5, 1.5, -0.5])
LENGTHS = st.sampled_from([0, 1, 32, 33, 35, 36, 64, 65, 100, 101, 200, 201, 2_000, 2_001])
WORDS = st.sampled_from(["transcribe", "client", "server", "memory", "endpoint", "completed", "ready", "raw", "é"])
TEXTS = WORDS | st.text(max_size=3) | LENGTHS.map(lambda length: "x" * length)
KEYS = st.sampled_from(["partials", "terms", "name", "language", "start", "features"])
SCALARS = st.none() | st.booleans() | EDGES | FRACTIONS | TEXTS
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=5,
)
OBJECTS = st.dictionaries(st.sampled_from(["type", "seq", "id"]), ANYTHING | st.sampled_from(NAMES))


def valid(node: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """Values a schema takes, at its edges as often as not."""
    match node:
        case {"$ref": str(reference)}:
            return bodies(DEFINITIONS[reference.rpartition("/")[2]], valid)
        case {"const": constant}:
            return st.just(constant)
        case {"enum": words}:
            return st.sampled_from(words)
        case {"anyOf": choices}:
            return st.one_of(*map(valid, choices))
        case {"type": list(kinds)}:
            return st.one_of(*(valid({**node, "type": kind}) for kind in kinds))
        case {"type": "integer"}:
            low, high = node.get("minimum", -(2**53)), node.get("maximum", 2**53)
            return st.sampled_from([low, high]) | st.integers(low, high)
        case {"type": "number", "minimum": low, "maximum": high}:
            return st.floats(low, high).filter(lambda value: not value.is_integer()) | st.sampled_from([int(low)])
        case {"type": "string"}:
            return st.text(max_size=min(node.get("maxLength", 3), 3))
        case {"type": "boolean"}:
            return st.booleans()
        case {"type": "array", "prefixItems": items}:
            return st.tuples(*map(valid, items)).map(list)
        case {"type": "array", "items": items}:
            return st.lists(valid(items), max_size=3)
        case {"type": "object"} | {"properties": _}:
            return bodies(node, valid)
        case {"type": "null"}:
            return st.none()
        case _:
            raise AssertionError(node)


def bodies(node: Mapping[str, Any], value: Any) -> st.SearchStrategy[dict[str, Any]]:
    properties = {name: value(child) for name, child in node.get("properties", {}).items()}
    required = {name: properties[name] for name in node.get("required", ())}
    return st.fixed_dictionaries(required, optional={k: v for k, v in properties.items() if k not in required})


@st.composite
def nearly_messages(draw: st.DrawFn) -> dict[str, Any]:
    """A message by the schema, in which up to two values have been exchanged for anything, or taken away."""
    name = draw(st.sampled_from(NAMES))
    body: dict[str, Any] = draw(bodies(DEFINITIONS[name], valid))
    for _ in range(draw(st.integers(0, 2))):
        target = draw(st.sampled_from([body, *(part for part in body.values() if isinstance(part, dict))]))
        keys = [key for key in (*target, *DEFINITIONS[name]["properties"]) if key != "type"]
        if not keys:
            continue
        key = draw(st.sampled_from(keys))
        if draw(st.booleans()):
            target[key] = draw(ANYTHING)
        else:
            target.pop(key, None)
    return body


BOUNDS = [32, 33, 35, 36, 64, 65, 100, 101, 200, 201, 2_000, 2_001]
NUMBERS = [-1, 0, 1, 8, 9, 99, 100, 1_000, 10_001, 28_001, 60_001, 192_001, 2**53 - 1, 2**53, 10**400, 0.5, 1.5, -0.5]
VALUES: list[Any] = [
    *(
        None,
        True,
        False,
        [],
        {},
        {"x": 1},
        {"language": 5},
        {"features": {"words": 1}},
        {"bias": {"terms": [5]}},
        [[]],
        ["x"],
        [0],
        [0, 1],
        [0, 1, 2],
        [0, -1],
        ["x"] * 17,
        ["x"] * 501,
    ),
    *(["x" * 65], ["x" * 201], [{}], [{"text": "x", "start": 0, "end": 0}], "", "x", "translate", "server", "memory"),
    *("endpoint", "completed", "ready"),
    *("x" * length for length in BOUNDS),
    *NUMBERS,
]


def least(node: Mapping[str, Any]) -> Any:
    """The simplest value a schema takes."""
    match node:
        case {"$ref": str(reference)}:
            return least(DEFINITIONS[reference.rpartition("/")[2]])
        case {"const": value} | {"enum": [value, *_]}:
            return value
        case {"anyOf": [first, *_]}:
            return least(first)
        case {"properties": properties}:
            return {name: least(properties[name]) for name in node.get("required", ())}
        case {"prefixItems": items}:
            return [least(item) for item in items]
        case _:
            kinds = {"integer": max(0, node.get("minimum", 0)), "number": 0, "string": "", "boolean": True, "array": []}
            kind = node["type"]
            return {"object": {}, **kinds}[kind if isinstance(kind, str) else kind[0]]


def variants(node: Mapping[str, Any]) -> Iterator[Any]:
    """The simplest object a schema takes, with one member taken away or exchanged, here or further in."""
    simple = least(node)
    yield simple
    for name, child in node["properties"].items():
        yield {key: value for key, value in simple.items() if key != name}
        for choice in child.get("anyOf", [child]):
            inner = DEFINITIONS[choice["$ref"].rpartition("/")[2]] if "$ref" in choice else choice
            further = variants(inner) if "properties" in inner else ()
            yield from ({**simple, name: value} for value in (*VALUES, *further))


@pytest.mark.parametrize("name", NAMES)
def test_the_schema_and_the_decoder_agree_at_every_edge_of_every_field(name: str) -> None:
    check, sender = validator(name), SENDERS[name]
    for body in variants(DEFINITIONS[name]):
        if body.get("type") == name:
            decoded = codec.decode(json.dumps(body), sender, Limits()).message
            assert check.is_valid(body) == (not isinstance(decoded, Malformed)), (body, decoded)


@given(nearly_messages())
def test_the_schema_takes_exactly_what_the_decoder_takes(body: dict[str, Any]) -> None:
    sender = SENDERS[body["type"]]
    decoded = codec.decode(json.dumps(body), sender, Limits()).message
    assert validator(f"{sender.value}_message").is_valid(body) == (not isinstance(decoded, Malformed)), decoded


@given(OBJECTS, st.sampled_from(Role))
def test_they_agree_about_what_is_no_message_too(body: dict[str, Any], sender: Role) -> None:
    decoded = codec.decode(json.dumps(body), sender, Limits()).message
    assert validator(f"{sender.value}_message").is_valid(body) == (not isinstance(decoded, Malformed)), decoded


# ---------------------------------------------------------------------------- the documents


def test_every_message_field_rule_and_limit_is_in_the_text() -> None:
    text = document.render()
    for shape in (*model.messages(), *model.parts()):
        assert f"#### `{shape.name}`" in text
        assert all(f"| `{field.name}` |" in text for field in shape.fields)
    for limit in fields(Limits):
        assert f"| `{limit.name}` |" in text
    assert all(f"| `{code}` |" in text for code in ERROR_CODES)
    assert all(tables.kind_name(kind) in text for kind in Kind)


def test_every_link_within_the_text_leads_somewhere() -> None:
    text = document.render()
    headings = {
        re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")
        for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    }
    linked = set(re.findall(r"\]\(#([^)]+)\)", text))
    assert linked <= headings


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("of", [transitions.states, transitions.attachments], ids=lambda of: of.__name__)
def test_a_diagram_shows_every_node_and_every_change(of: Callable[[Role], Automaton], role: Role) -> None:
    automaton = of(role)
    picture = ElementTree.fromstring(diagram.render(automaton))
    space = "{http://www.w3.org/2000/svg}"
    texts = [element.text for element in picture.iter(f"{space}text")]
    assert {node.value for node in automaton.nodes} <= set(texts)
    arrows = [element for element in picture.iter(f"{space}path") if element.get("class") == "edge"]
    assert len(arrows) == len(automaton.edges)
    assert all(element.text for element in (*picture.iter(f"{space}title"), *picture.iter(f"{space}desc")))
    badges = [(element.get("cx"), element.get("cy")) for element in picture.iter(f"{space}circle")]
    assert len(set(badges)) == len(badges) == 2 * len(arrows), "nothing lies upon anything else"


@pytest.mark.parametrize("role", Role)
def test_every_move_of_the_attachment_and_every_reason_is_in_the_text(role: Role) -> None:
    text = attachment_tables.moves(role)
    assert text in document.render()
    for event, row in MOVES[role].items():
        assert f"| {event.value} |" in text
        assert all(outcome.why in text for outcome in row.values())


def test_audio_is_the_one_message_that_is_no_object() -> None:
    assert Audio.type not in DEFINITIONS
