"""JSON Schema 2020-12 of every message, from the annotations that `auricle.core.schema` enforces.

It says what a *receiver* takes: unknown fields pass, and an unknown word in an optional field does too (it counts as
absent). What JSON Schema cannot say is in `GAPS`.
"""

import dataclasses
import json
import sys
from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal, get_args, get_origin

from auricle.core.messages import CHANGEABLE, PROTOCOL, Configure, Start
from auricle.core.schema import MaxLength, Range
from spec import model
from spec.model import Field, Shape

Schema = dict[str, Any]

GAPS: Final = (
    "An integer is spelt without fraction and exponent: 1.0 is refused where the schema takes it.",
    "Strings hold no lone surrogates, and frames are limited in size.",
)
LARGEST: Final = sys.float_info.max
_TYPES: Final[Mapping[type, str]] = {str: "string", int: "integer", float: "number", bool: "boolean"}


def document() -> Schema:
    """Return the whole schema: a definition for each message and part, and a union for each direction."""
    client, server = model.client_messages(), model.server_messages()
    definitions = {shape.name: message_schema(shape) for shape in (*client, *server)}
    definitions |= {shape.name: part_schema(shape) for shape in model.parts()}
    definitions |= {
        "unknown_to_server": _unknown(client, "A message of a type the server does not know: ignored, with a warning."),
        "unknown_to_client": _unknown(
            server, "A message of a type the client does not know: ignored, but its `seq` counts."
        ),
        "client_message": _union(client, "unknown_to_server", "What a client may send as a text frame."),
        "server_message": _union(server, "unknown_to_client", "What a server may send as a text frame."),
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:auricle:{PROTOCOL}",
        "title": PROTOCOL,
        "description": " ".join(("What a receiver takes.", *GAPS)),
        "anyOf": [_ref("client_message"), _ref("server_message")],
        "$defs": definitions,
    }


def render() -> str:
    """Return the document as the text of ``docs/protocol.json``."""
    return json.dumps(document(), ensure_ascii=False, indent=2) + "\n"


def message_schema(shape: Shape) -> Schema:
    """Return the schema of a message: an object with its ``type``."""
    schema = part_schema(shape)
    schema["properties"] = {"type": {"const": shape.name}} | schema["properties"]
    schema["required"] = ["type", *schema.get("required", ())]
    return schema


def part_schema(shape: Shape) -> Schema:
    """Return the schema of an object."""
    required = [field.name for field in shape.fields if field.required]
    return {
        "description": shape.doc,
        "type": "object",
        "properties": {field.name: field_schema(shape, field) for field in shape.fields},
        **({"required": required} if required else {}),
    }


def field_schema(shape: Shape, field: Field) -> Schema:
    """Return the schema of one field, with what it means and what its absence does."""
    schema = _of(field.annotation)
    if model.is_choice(field.annotation) and not field.required:
        # "Unknown enum value in an optional field: treat as absent."
        schema = {"anyOf": [schema, {"type": "string", "description": "Any other word counts as absent."}]}
    if shape.cls is Configure and field.name == "set":
        schema |= {"properties": changes()}
    default = plain_default(field)
    return {"description": field.doc, **schema, **({} if default is None else {"default": default})}


def changes() -> Schema:
    """Return what `configure.set` may hold: the changeable fields of `start`, each of which may be null."""
    fields = {field.name: field for field in model.shape(Start).fields}
    return {name: _nullable(_of(fields[name].annotation)) for name in CHANGEABLE}


def plain_default(field: Field) -> Any:
    """Return what an absent field means as JSON; None where that is nothing, or a whole object of defaults."""
    if field.required or dataclasses.is_dataclass(field.default):
        return None
    return list(field.default) if isinstance(field.default, tuple) else field.default


def _of(annotation: Any) -> Schema:
    inner, limits, optional = model.bare(annotation)
    schema = _inner(inner)
    for limit in limits:
        schema |= _limit(limit, schema)
    return _nullable(schema) if optional else schema


def _inner(inner: Any) -> Schema:
    origin = get_origin(inner)
    if origin is Literal:
        return {"enum": list(get_args(inner))}
    if origin is tuple:
        items = get_args(inner)
        if items[-1] is Ellipsis:
            return {"type": "array", "items": _of(items[0])}
        return {
            "type": "array",
            "prefixItems": [_of(item) for item in items],
            "minItems": len(items),
            "maxItems": len(items),
        }
    if dataclasses.is_dataclass(inner):
        assert isinstance(inner, type)
        return _ref(inner.__name__)
    if inner is float:
        # What JSON can spell and a float cannot hold is refused.
        return {"type": "number", "minimum": -LARGEST, "maximum": LARGEST}
    return {"type": _TYPES.get(inner, "object")}


def _limit(limit: object, schema: Schema) -> Schema:
    match limit:
        case Range(low, high):
            return {"minimum": low, "maximum": high}
        case MaxLength(length):
            return {"maxLength" if schema["type"] == "string" else "maxItems": length}
        case _:
            raise AssertionError(f"JSON Schema does not know {limit!r}")


def _nullable(schema: Schema) -> Schema:
    if isinstance(schema.get("type"), str):
        return schema | {"type": [schema["type"], "null"]}
    return {"anyOf": [schema, {"type": "null"}]}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _unknown(known: Iterable[Shape], description: str) -> Schema:
    return {
        "description": description,
        "type": "object",
        "properties": {"type": {"type": "string", "not": {"enum": [shape.name for shape in known]}}},
        "required": ["type"],
    }


def _union(known: Iterable[Shape], unknown: str, description: str) -> Schema:
    return {"description": description, "oneOf": [*(_ref(shape.name) for shape in known), _ref(unknown)]}
