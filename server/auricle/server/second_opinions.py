"""What a server has beside its models: what tells that a turn is over, and what tells who speaks."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, NamedTuple

from auricle.server.server_config import ServerConfig
from auricle.server.sessions.speaker_naming import NOBODY, SpeakerNaming, running_speaker_naming
from auricle.server.sessions.stream_config import SpeechDefaults
from auricle.server.sessions.turn_detection import BY_SILENCE, TurnDetection, running_turn_detection


class SecondOpinions(NamedTuple):
    """What is running."""

    turns: TurnDetection = BY_SILENCE
    speakers: SpeakerNaming = NOBODY

    def speech(self, config: ServerConfig) -> SpeechDefaults:
        """Return how speech is heard where a client does not say."""
        return SpeechDefaults(
            language=config.language,
            silence_s=config.silence_s,
            max_segment_s=config.max_segment_s,
            turns=self.turns,
            speakers=self.speakers,
        )


ALONE: Final = SecondOpinions()


@asynccontextmanager
async def second_opinions(config: ServerConfig) -> AsyncIterator[SecondOpinions]:
    """Run them for the length of the block. Raises `EngineUnavailable`, which says what to do."""
    async with (
        running_turn_detection(config.turn_detector, config.turns) as turns,
        running_speaker_naming(config.speakers) as speakers,
    ):
        yield SecondOpinions(turns, speakers)
