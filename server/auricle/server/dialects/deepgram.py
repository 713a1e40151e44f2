"""Deepgram's live transcription: the handshake of ``/v1/listen``, whose query is the configuration of the session.

What is said after it is in `deepgram_listen`. Source: Deepgram's API reference, and its clients
(notes/wire-protocols.md §4.1).
"""

import hashlib
import json

from auricle.core.parts import ServerInfo
from auricle.server.dialects.deepgram_listen import DeepgramListen, is_end
from auricle.server.dialects.deepgram_options import QueryRefused, media_kind, read_options, read_start
from auricle.server.dialects.handshake import Handshake, Media, Opening, Refused
from auricle.server.dialects.keys import DEEPGRAM_SCHEMES
from auricle.server.dialects.query_values import parse_query


def open_listen(handshake: Handshake) -> Opening | Refused:
    """Open a session for the query of ``/v1/listen``, or refuse it with 400."""
    query = parse_query(handshake.query)
    named = (("dg-request-id", handshake.session_id),)
    try:
        start = read_start(query)
    except QueryRefused as refusal:
        body = {"err_code": "INVALID_QUERY_PARAMETER", "err_msg": str(refusal), "request_id": handshake.session_id}
        return Refused(status=400, body=json.dumps(body).encode(), headers=(*named, ("dg-error", str(refusal))))
    media = media_kind(query)
    dialect = DeepgramListen(
        options=read_options(query, handshake.models),
        limits=handshake.limits,
        server=ServerInfo(name="auricle"),
        digest=hashlib.sha256() if media is None else None,
        request_id=handshake.session_id,
        created=handshake.created.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    )
    # A client that has its key in the subprotocols offers "token" or "bearer" and the key, and wants the first back.
    scheme = next((item for item in handshake.subprotocols if item.lower() in DEEPGRAM_SCHEMES), None)
    return Opening(
        dialect=dialect,
        messages=(start,),
        subprotocol=scheme,
        headers=named,
        media=None if media is None else Media(kind=media, is_end=is_end),
    )
