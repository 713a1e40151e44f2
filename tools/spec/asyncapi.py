"""AsyncAPI 3.0: the same messages, as a description of one WebSocket channel."""

from collections.abc import Iterable
from typing import Any

import yaml

from auricle.core.messages import PROTOCOL
from auricle.core.parts import SAMPLE_BYTES
from auricle.server.http.negotiation import WEBSOCKET_PATHS
from spec import json_schema, model
from spec.model import Shape

Node = dict[str, Any]
AUDIO = "audio"


def document() -> Node:
    """Return the description: a channel, what either end may send on it, and every message."""
    client, server = model.client_messages(), model.server_messages()
    schemas = json_schema.document()["$defs"]
    names = [shape.name for shape in (*client, *server)]
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": PROTOCOL,
            "version": PROTOCOL.rpartition(".v")[2] + ".0.0",
            "description": "Real-time speech to text over one WebSocket. What the messages mean: protocol.md.",
        },
        "defaultContentType": "application/json",
        "channels": {
            "session": {
                "address": next(iter(WEBSOCKET_PATHS)),
                "description": f"One session. The WebSocket subprotocol is {PROTOCOL}.",
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in (*names, AUDIO)},
                "bindings": {"ws": {"method": "GET", "bindingVersion": "0.1.0"}},
            }
        },
        "operations": {
            "receive": _operation("receive", "What the server takes from a client.", [*_names(client), AUDIO]),
            "send": _operation("send", "What the server tells a client.", _names(server)),
        },
        "components": {
            "messages": {shape.name: _message(shape) for shape in (*client, *server)} | {AUDIO: _audio()},
            "schemas": {shape.name: _moved(schemas[shape.name]) for shape in (*client, *server, *model.parts())},
        },
    }


def render() -> str:
    """Return the document as the text of ``docs/asyncapi.yaml``."""
    return yaml.dump(document(), sort_keys=False, allow_unicode=True, width=110, Dumper=_Plain)


class _Plain(yaml.SafeDumper):
    """YAML without anchors, which not every reader of AsyncAPI follows."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _names(shapes: Iterable[Shape]) -> list[str]:
    return [shape.name for shape in shapes]


def _operation(action: str, summary: str, names: Iterable[str]) -> Node:
    return {
        "action": action,
        "summary": summary,
        "channel": {"$ref": "#/channels/session"},
        "messages": [{"$ref": f"#/channels/session/messages/{name}"} for name in names],
    }


def _message(shape: Shape) -> Node:
    return {
        "name": shape.name,
        "summary": shape.doc.partition("\n")[0],
        "payload": {"$ref": f"#/components/schemas/{shape.name}"},
    }


def _audio() -> Node:
    return {
        "name": AUDIO,
        "summary": f"A binary frame: audio as start declares it ({', '.join(SAMPLE_BYTES)}).",
        "contentType": "application/octet-stream",
        "payload": {"type": "string", "format": "binary"},
    }


def _moved(schema: Any) -> Any:
    """Return a schema whose references lead to where AsyncAPI keeps schemas."""
    match schema:
        case {"$ref": str(ref), **rest}:
            target = {"$ref": ref.replace("#/$defs/", "#/components/schemas/")}
            # AsyncAPI schemas are of draft 7, where nothing beside a reference counts.
            return {"allOf": [target], **rest} if rest else target
        case {"prefixItems": items, **rest}:
            return {"items": [_moved(item) for item in items], **rest}
        case dict():
            return {key: _moved(value) for key, value in schema.items()}
        case list():
            return [_moved(item) for item in schema]
        case _:
            return schema
