"""The messages and their parts as data: each field with its type, its limits and its meaning."""

import dataclasses
import tomllib
import types
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from auricle.core import schema
from auricle.core.limits import Limits
from auricle.core.messages import CLIENT_MESSAGES, SERVER_MESSAGES, Audio, Durable
from spec.source import SpecError, attribute_docs, class_doc

FIELD_DOCS = Path(__file__).with_name("fields.toml")


class Field(NamedTuple):
    """One field of a message or a part."""

    name: str
    """As it is spelt on the wire."""
    annotation: Any
    required: bool
    default: Any
    """What an absent field means; None where it is required."""
    doc: str


class Shape(NamedTuple):
    """A message or a part."""

    cls: type
    name: str
    """The wire type of a message, the class name of a part."""
    doc: str
    fields: tuple[Field, ...]

    @property
    def durable(self) -> bool:
        """Whether it is part of the numbered record."""
        return issubclass(self.cls, Durable)


def client_messages() -> tuple[Shape, ...]:
    """Return what a client may say as JSON, in the order of the union in `messages`."""
    return tuple(shape(cls) for cls in CLIENT_MESSAGES.values() if cls is not Audio)


def server_messages() -> tuple[Shape, ...]:
    """Return what a server may say."""
    return tuple(shape(cls) for cls in SERVER_MESSAGES.values())


def parts() -> tuple[Shape, ...]:
    """Return every object that is a field of a message, in the order in which they are met."""
    found: dict[str, Shape] = {}
    waiting = [item for message in (*client_messages(), *server_messages()) for item in message.fields]
    while waiting:
        field = waiting.pop(0)
        for cls in _parts_in(field.annotation):
            if cls.__name__ not in found:
                found[cls.__name__] = shape(cls)
                waiting += found[cls.__name__].fields
    return tuple(found.values())


def _parts_in(annotation: Any) -> list[type]:
    if isinstance(annotation, type) and dataclasses.is_dataclass(annotation):
        return [annotation]
    return [cls for arg in get_args(annotation) for cls in _parts_in(arg)]


def shape(cls: type) -> Shape:
    """Return a message or part class as data. Raises `SpecError` where a field has no documentation, or two."""
    name: str = getattr(cls, "type", cls.__name__)
    hints, wire_names = schema.hints(cls), schema.wire_names(cls)
    fields = tuple(
        Field(
            name=wire_names[field.name],
            annotation=hints[field.name],
            required=not _has_default(field),
            default=_default(field),
            doc=field_doc(cls, name, field.name),
        )
        for field in dataclasses.fields(cls)
    )
    return Shape(cls, name, class_doc(cls), fields)


def _has_default(field: "dataclasses.Field[Any]") -> bool:
    return field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING


def _default(field: "dataclasses.Field[Any]") -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return None if field.default is dataclasses.MISSING else field.default


@cache
def _written() -> Mapping[str, Mapping[str, str]]:
    return tomllib.loads(FIELD_DOCS.read_text(encoding="utf-8"))


def field_doc(cls: type, shape_name: str, name: str) -> str:
    """Return what an attribute means, as its class or `fields.toml` says. Raises `SpecError` for neither, or both."""
    wire = name.rstrip("_")
    owners = [owner for owner in cls.__mro__ if owner is not object and name in attribute_docs(owner)]
    written = _written().get(shape_name, {}).get(wire)
    if owners and written is not None:
        raise SpecError(f"{FIELD_DOCS.name} documents {shape_name}.{wire}, which its class does already: keep one.")
    doc = attribute_docs(owners[0])[name] if owners else written or _written()["*"].get(wire)
    if doc is None:
        raise SpecError(f"The field {shape_name}.{wire} has no documentation: write it below the field.")
    return doc


def check_written() -> None:
    """Raise `SpecError` where `fields.toml` speaks of a field that is none."""
    known = {shape.name: {field.name for field in shape.fields} for shape in (*messages(), *parts())}
    known["Limits"] = {field.name for field in dataclasses.fields(Limits)}
    everywhere = {name for names in known.values() for name in names}
    for shape_name, docs in _written().items():
        for name in docs:
            if name not in (everywhere if shape_name == "*" else known.get(shape_name, ())):
                raise SpecError(f"{FIELD_DOCS.name} documents {shape_name}.{name}, which no message has.")


def messages() -> tuple[Shape, ...]:
    """Return every message that crosses as JSON."""
    return (*client_messages(), *server_messages())


def bare(annotation: Any) -> tuple[Any, tuple[Any, ...], bool]:
    """Return what is inside an annotation, its limits, and whether null will do: of ``Annotated[int, Range(0)] | None``
    that is ``int``, the range, and True.
    """
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType):
        some = next(arg for arg in get_args(annotation) if arg is not types.NoneType)
        inner, limits, _ = bare(some)
        return inner, limits, True
    if origin is Annotated:
        base, *bounds = get_args(annotation)
        return base, tuple(bounds), False
    return annotation, (), False


def is_choice(annotation: Any) -> bool:
    """Whether a field holds one of a few words."""
    return get_origin(bare(annotation)[0]) is Literal
