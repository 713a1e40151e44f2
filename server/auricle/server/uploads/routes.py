"""The routes of every dialect in which recordings are uploaded. A new one is a file beside this, and a line here."""

from starlette.routing import BaseRoute

from auricle.server.uploads.deepgram_routes import deepgram_routes
from auricle.server.uploads.doors import Doors
from auricle.server.uploads.openai_routes import openai_routes
from auricle.server.uploads.transcribe_routes import transcribe_routes


def upload_routes(doors: Doors) -> list[BaseRoute]:
    """Return the routes."""
    return [*transcribe_routes(doors), *openai_routes(doors), *deepgram_routes(doors)]
