"""What an engine says of a final, as the client is told it."""

from auricle.core.parts import FinalDetails
from auricle.engines.protocol import FinalResult
from auricle.server.sessions.engine_results import final_details


def final(**facts) -> FinalResult:
    return FinalResult(
        end_sample=16_000, text="stop", start_s=0.0, end_s=1.0, confidence=0.5, reason="endpoint", **facts
    )


def test_details_hold_what_is_known():
    assert final_details(final()) is None
    assert final_details(final(doubtful=True)) == FinalDetails(doubtful=True)
    assert final_details(final(avg_logprob=-0.25)) == FinalDetails(avg_logprob=-0.25)
