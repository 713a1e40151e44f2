"""What waits in the framework's channel of a stream: audio, flushes, and audio that was dropped there."""

from livekit import rtc
from livekit.agents import stt
from livekit.agents.utils import aio
from livekit.plugins.auricle.accounting import StreamAccounting

FlushSentinel = stt.RecognizeStream._FlushSentinel


class DroppedAudio(FlushSentinel):
    """An item of the framework's channel, in place of the audio that was dropped."""

    def __init__(self, samples: int) -> None:
        self.samples = samples


def account_for_rest(channel: aio.Chan[rtc.AudioFrame | FlushSentinel], accounting: StreamAccounting) -> None:
    """Account for what was pushed and will not be sent any more: it is uncommitted, or was dropped."""
    while not channel.empty():
        item = channel.recv_nowait()
        if isinstance(item, rtc.AudioFrame):
            accounting.uncommitted.append(bytes(item.data))
        elif isinstance(item, DroppedAudio):
            accounting.skip(item.samples)
        else:
            accounting.flush_pending = True
