"""Conversations in the state a measurement wants: two cores back to back, nothing between them."""

from auricle.core import (
    PROTOCOL,
    ClientSession,
    Frame,
    Limits,
    Output,
    ServerInfo,
    ServerSession,
    Start,
    Transmit,
)

RATE = 16_000
FRAME_SAMPLES = RATE // 50
FRAME = bytes(2 * FRAME_SAMPLES)
"""20 ms of 16-bit mono at 16 kHz, what a microphone or a telephone line gives."""
TENTH = 5 * FRAME
FRAMES = 1_000
"""Frames in one round: 20 s, well within the credit of a fresh session."""
LIMITS = Limits()


def frames_of(outputs: tuple[Output, ...]) -> list[Frame]:
    """Return what is to be sent, in order."""
    return [output.frame for output in outputs if isinstance(output, Transmit)]


class Pair:
    """A client and a server whose session is open and can be resumed. ``now``: both their clocks, in seconds."""

    def __init__(self, config: Start | None = None) -> None:
        self.now = 0.0
        self.client = ClientSession(config or Start(), now=self.now, limits=LIMITS)
        self.server = ServerSession(PROTOCOL, now=self.now, limits=LIMITS)
        self.client.connect(now=self.now)
        self.to_server(self.client.transport_opened(PROTOCOL, now=self.now))
        accepted = self.server.accept("s1", ServerInfo(name="bench"), now=self.now, resume_token="t1")
        self.to_client(accepted)

    def to_server(self, outputs: tuple[Output, ...]) -> None:
        """Deliver what the client sends."""
        for frame in frames_of(outputs):
            self.server.receive(frame, now=self.now)

    def to_client(self, outputs: tuple[Output, ...]) -> None:
        """Deliver what the server sends."""
        for frame in frames_of(outputs):
            self.client.receive(frame, now=self.now)

    def stream(self, seconds: float) -> None:
        """Carry audio across in real time, a tenth of a second at once, heard and acknowledged as it comes."""
        for _ in range(round(10 * seconds)):
            self.now += 0.1
            self.to_server(self.client.send_audio(TENTH, now=self.now))
            self.to_client(self.server.progress(self.server.snapshot.received, now=self.now))
            self.to_client(self.server.handle_timeout(now=self.now))
