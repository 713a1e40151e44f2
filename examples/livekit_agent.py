"""A voice agent on LiveKit with Auricle as its speech-to-text: python examples/livekit_agent.py dev.

Needs a LiveKit server (LIVEKIT_URL, LIVEKIT_API_KEY, LIVEKIT_API_SECRET) and an Auricle server (AURICLE_URL). The model
and the voice are LiveKit Inference's here; put your own in their place.
"""

from livekit.agents import Agent, AgentServer, AgentSession, JobContext, cli
from livekit.plugins import auricle


class Assistant(Agent):
    """Helps, in few words."""

    def __init__(self) -> None:
        super().__init__(instructions="You are a helpful voice assistant. Answer in one or two short sentences.")


server = AgentServer()


@server.rtc_session()
async def talk(job: JobContext) -> None:
    session = AgentSession(stt=auricle.STT(), llm="openai/gpt-4.1-mini", tts="cartesia/sonic-3")
    await session.start(Assistant(), room=job.room)


if __name__ == "__main__":
    cli.run_app(server)
