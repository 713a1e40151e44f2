"""Each dialect's own way to name a model, as the model of ``start``."""

import json
from datetime import UTC, datetime

from auricle.core import Limits, Start
from auricle.core.snapshot import Snapshot
from auricle.core.states import Role
from auricle.server.dialects import wyoming
from auricle.server.dialects.deepgram import open_listen
from auricle.server.dialects.deepgram_options import read_options
from auricle.server.dialects.deepgram_prerecorded import read_request as read_deepgram
from auricle.server.dialects.handshake import Handshake, Opening
from auricle.server.dialects.openai_models import model_object, models_list
from auricle.server.dialects.openai_session import RealtimeSession, updated
from auricle.server.dialects.openai_transcriptions import read_request as read_openai
from auricle.server.dialects.query_values import parse_query
from auricle.server.dialects.streamed_documents import read_request as read_ours

MODELS = ("tiny.en", "base")
LIMITS = Limits()


def start_of(opening: object) -> Start:
    assert isinstance(opening, Opening)
    (start,) = (message for message in opening.messages if isinstance(message, Start))
    return start


def test_deepgrams_query_names_it_and_is_told_where_there_is_no_such_one():
    handshake = Handshake(session_id="f" * 32, query="model=base", created=datetime.now(UTC), models=MODELS)
    assert start_of(open_listen(handshake)).model == "base"
    assert not read_options(parse_query("model=base"), MODELS).warnings
    (warned,) = read_options(parse_query("model=nova-3"), MODELS).warnings
    assert warned.message == "There is no model 'nova-3' here, and the default answers; see models."
    assert read_deepgram("model=base", MODELS).start.model == "base"
    assert read_deepgram("model=nova-3", MODELS).start.model is None
    assert read_options(parse_query("model=" + "x" * 900), MODELS).warnings


def test_openais_forms_and_sessions_name_it():
    assert read_openai([("model", "base")], "transcribe", MODELS).start.model == "base"
    assert read_openai([("model", "whisper-1")], "transcribe", MODELS).start.model is None
    session = updated(RealtimeSession(), {"audio": {"input": {"transcription": {"model": "base"}}}})
    assert session.start.model == "base"


def test_openais_list_has_all_of_them_and_the_names_that_clients_have_built_in():
    assert [model["id"] for model in models_list(MODELS)["data"]][:3] == ["tiny.en", "base", "whisper-1"]
    assert model_object("base", MODELS)
    assert model_object("whisper-1", ())
    assert model_object("small", MODELS) is None


def test_ours_names_it_in_the_query():
    assert read_ours("model=base", "").start.model == "base"
    assert read_ours("", "").start.model is None


def test_wyomings_transcribe_names_it_and_describe_tells_of_all():
    asked = json.dumps({"type": "transcribe", "data": {"name": "base"}})
    begins = json.dumps({"type": "audio-start", "data": {"rate": 16_000, "width": 2, "channels": 1}})
    snapshot = Snapshot(role=Role.SERVER, limits=LIMITS)
    dialect, _ = wyoming.WyomingConnection(limits=LIMITS).decode(asked, snapshot)
    _, (decoded,) = dialect.decode(begins, snapshot)
    assert isinstance(decoded.message, Start)
    assert decoded.message.model == "base"
    told = [wyoming.ToldModel("tiny.en", "whisper", ("en",)), wyoming.ToldModel("base", "whisper", None)]
    (program,) = json.loads(wyoming.info_event(told, version="1"))["data"]["asr"]
    assert [model["name"] for model in program["models"]] == ["tiny.en", "base"]
    assert program["models"][0]["languages"] == ["en"]
    assert len(program["models"][1]["languages"]) > 50
