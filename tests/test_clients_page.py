"""docs/clients.md: every row names tests that run the official package, and they are of everything that may happen."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

DOCS = Path(__file__).parents[1] / "docs"
ROWS = [
    row
    for row in (DOCS / "clients.md").read_text(encoding="utf-8").splitlines()
    if row.startswith("| ") and not row.startswith("| client |")
]
TESTS: Final = Path(__file__).parent / "server"
CELLS: Final = ("happy", "end", "empty", "flush", "too long", "cut", "ten")
"""A whole session, the end of its stream, one without audio, a flush with nothing pending, a message or a recording
that is too long, a cut, and ten sessions at once."""
NO_FLUSH: Final = "a recording has nothing to flush"
TESTED: Final[Mapping[str, tuple[str, ...]]] = {
    "dialects/test_deepgram_sdk.py": (
        "test_every_word_once_then_the_metadata_and_a_normal_close",
        "test_every_word_once_then_the_metadata_and_a_normal_close",
        "test_an_empty_session_ends_too",
        "test_finalize_is_answered_also_where_nothing_is_pending",
        "test_a_message_that_is_too_long_ends_its_own_session_alone",
        "test_a_cut_connection_ends_its_own_session_alone",
        "test_ten_sessions_at_once",
    ),
    "dialects/test_deepgram_node.py": (
        "test_a_stream_with_a_finalize_in_the_middle",
        "test_a_stream_with_a_finalize_in_the_middle",
        "test_an_empty_session_ends_too",
        "test_a_finalize_with_nothing_pending_is_answered",
        "test_a_message_that_is_too_long_is_an_error_of_theirs_before_the_close",
        "test_after_a_cut_ten_sessions_at_once",
        "test_after_a_cut_ten_sessions_at_once",
    ),
    "dialects/test_deepgram_livekit.py": (
        "test_the_words_of_a_stream_and_its_end",
        "test_the_words_of_a_stream_and_its_end",
        "test_ten_streams_at_once_one_without_audio_and_one_that_is_left",
        "test_a_flush_with_something_pending_and_one_with_nothing",
        "the plugin sends 50 ms at a time",
        "test_ten_streams_at_once_one_without_audio_and_one_that_is_left",
        "test_ten_streams_at_once_one_without_audio_and_one_that_is_left",
    ),
    "dialects/test_openai_sdk.py": (
        "test_the_client_commits_and_gets_each_item_once_in_order",
        "test_the_last_commit_of_vllm_ends_the_session",
        "test_an_empty_session_ends_with_its_client",
        "test_a_commit_with_nothing_pending_completes_an_empty_item",
        "test_a_message_that_is_too_long_and_a_cut_end_their_own_sessions_alone",
        "test_a_message_that_is_too_long_and_a_cut_end_their_own_sessions_alone",
        "test_ten_sessions_at_once",
    ),
    "dialects/test_openai_node.py": (
        "test_the_client_commits",
        "test_a_final_commit_is_the_end_and_the_server_closes",
        "test_an_empty_session_ends_too",
        "test_a_commit_with_nothing_pending_is_answered",
        "test_a_message_that_is_too_long_is_an_error_of_theirs_before_the_close",
        "test_after_a_cut_ten_sessions_at_once",
        "test_after_a_cut_ten_sessions_at_once",
    ),
    "dialects/test_openai_livekit.py": (
        "test_speech_and_words_of_a_turn_that_the_server_finds",
        "its stream has no end of input",
        "test_a_stream_without_audio_that_is_left_ends_its_own_session_alone",
        "test_a_segment_that_the_client_closes_and_one_with_nothing_in_it",
        "the plugin sends 50 ms at a time",
        "test_a_stream_without_audio_that_is_left_ends_its_own_session_alone",
        "test_ten_streams_at_once",
    ),
    "dialects/test_wyoming.py": (
        "test_the_transcript_of_a_command_and_its_text_as_it_grows",
        "test_who_hangs_up_half_way_still_hears_the_rest",
        "test_a_command_without_audio_has_an_empty_transcript",
        "test_a_command_without_audio_has_an_empty_transcript",
        "test_what_cannot_be_is_an_error_and_ends_its_own_connection_alone",
        "test_ten_commands_at_once_and_one_that_is_cut",
        "test_ten_commands_at_once_and_one_that_is_cut",
    ),
    "dialects/test_twilio.py": (
        "test_a_call_is_told_to_those_who_listen_and_twilio_hears_nothing",
        "test_who_comes_late_misses_no_final",
        "test_an_empty_call_ends_too",
        "Twilio has no message for it",
        "test_a_message_that_is_too_long_is_the_end_of_the_call_and_its_last_words_are_told",
        "test_a_cut_is_the_end_of_the_call_and_its_last_words_are_told",
        "test_ten_calls_at_once",
    ),
    "dialects/test_old_dialect.py": (
        "test_every_word_once_and_a_normal_close",
        "test_every_word_once_and_a_normal_close",
        "test_an_empty_session_ends_too",
        "it has no message for it",
        "test_an_error_in_one_sentence_comes_before_the_close",
        "test_a_cut_ends_its_own_session_alone_and_ten_go_on_at_once",
        "test_a_cut_ends_its_own_session_alone_and_ten_go_on_at_once",
    ),
    "uploads/test_openai_client.py": (
        "test_verbose_json_has_segments_and_words",
        "test_a_stream_has_deltas_that_make_the_text",
        "test_what_cannot_be_used_is_an_error_of_theirs",
        NO_FLUSH,
        "test_too_large_is_said_before_it_is_read",
        "test_a_recording_that_is_cut_gives_what_it_has_and_says_so",
        "test_ten_at_once",
    ),
    "uploads/test_openai_node.py": (
        "test_recordings_over_tls",
        "test_recordings_over_tls",
        "test_an_empty_recording_and_one_that_is_too_large_are_errors_of_theirs",
        NO_FLUSH,
        "test_an_empty_recording_and_one_that_is_too_large_are_errors_of_theirs",
        "test_one_that_is_left_and_ten_at_once",
        "test_one_that_is_left_and_ten_at_once",
    ),
    "uploads/test_deepgram_client.py": (
        "test_a_recording",
        "test_a_recording",
        "test_what_cannot_be_done_is_an_error_of_theirs",
        NO_FLUSH,
        "test_a_recording_of_any_size_is_taken",
        "test_a_recording_that_is_cut_gives_what_it_has_and_says_so",
        "test_ten_at_once",
    ),
    "uploads/test_livekit_recognize.py": (
        "test_deepgram",
        "test_openai",
        "test_a_recording_without_a_sample_is_an_error_of_openai_and_an_empty_transcript_of_deepgram",
        NO_FLUSH,
        "test_a_recording_that_is_too_large_is_an_error",
        "test_one_that_is_left_leaves_nothing_behind_and_ten_go_on",
        "test_one_that_is_left_leaves_nothing_behind_and_ten_go_on",
    ),
    "uploads/test_curl.py": (
        "test_every_format",
        "test_text_comes_while_the_recording_still_does",
        "test_what_cannot_be_used_is_one_sentence",
        NO_FLUSH,
        "test_a_form_that_is_too_large_is_one_sentence",
        "test_a_recording_that_is_cut_says_so_behind_its_text",
        "test_one_that_is_killed_leaves_nothing_behind_and_ten_go_on",
    ),
    "dialects/test_deepgram_pipecat.py": (
        "test_the_words_of_a_turn_and_its_finalised_end",
        "test_the_words_of_a_turn_and_its_finalised_end",
        "test_an_empty_session_ends",
        "test_the_end_of_speech_where_nothing_is_pending",
        "a pipeline's frames are of some milliseconds",
        "test_after_a_cut_it_goes_on_in_another_session",
        "test_ten_sessions_at_once",
    ),
    "dialects/test_openai_pipecat.py": (
        "test_each_end_of_speech_commits_a_turn",
        "test_each_end_of_speech_commits_a_turn",
        "test_an_empty_session_ends_and_so_does_a_turn_without_audio",
        "test_an_empty_session_ends_and_so_does_a_turn_without_audio",
        "a pipeline's frames are of some milliseconds",
        "test_after_a_cut_it_goes_on_in_another_session",
        "test_ten_sessions_at_once",
    ),
    "uploads/test_pipecat_recognize.py": (
        "test_an_utterance",
        "test_an_utterance",
        "test_a_pipeline_without_speech_ends",
        NO_FLUSH,
        "it is an utterance, far below the limit",
        "its requests are those of the package openai, of which one is cut",
        "test_ten_at_once",
    ),
}
"""The test of each cell, in the order of `CELLS`; a sentence where it cannot be."""


def test_there_are_rows() -> None:
    assert len(ROWS) >= 6


@pytest.mark.parametrize("row", ROWS)
def test_a_row_has_a_version_and_a_test_that_is_there(row: str) -> None:
    _, version, *_, test = (cell.strip() for cell in row.strip("|").split("|"))
    assert re.fullmatch(r"\d+(\.\d+)+", version)
    named = re.search(r"\]\((.+?)\)", test)
    assert named is not None
    file = (DOCS / named[1]).resolve()
    assert "def test_" in file.read_text(encoding="utf-8")
    if file.is_relative_to(TESTS):
        assert str(file.relative_to(TESTS)) in TESTED, "say here which of its tests are of what may happen"


@pytest.mark.parametrize("file", TESTED)
def test_a_client_is_tested_in_everything_that_may_happen(file: str) -> None:
    named = dict(zip(CELLS, TESTED[file], strict=True))
    there = set(re.findall(r"^def (test_\w+)", (TESTS / file).read_text(encoding="utf-8"), re.MULTILINE))
    missing = {cell: test for cell, test in named.items() if test not in there and " " not in test}
    assert not missing
