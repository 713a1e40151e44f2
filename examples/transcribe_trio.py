"""A recording through a running server, with trio: python examples/transcribe_trio.py FILE [URL]."""

import sys

import soundfile
import trio

from auricle.core import AudioFormat, AuricleError, Final, SessionClosed, Start
from auricle.transports.trio import connect


async def main(path: str, url: str = "ws://127.0.0.1:8765") -> None:
    audio, rate = soundfile.read(path, dtype="int16", always_2d=True)
    config = Start(audio=AudioFormat(sample_rate=rate, channels=audio.shape[1]))
    async with connect(url, config) as session:
        await session.send_audio(audio.tobytes())
        await session.end_input()
        async for event in session:
            if isinstance(event, Final):
                print(event.text)
            elif isinstance(event, SessionClosed):
                print(event.raise_if_incomplete().message)


try:
    trio.run(main, *sys.argv[1:])
except AuricleError as error:  # no server, or not every sample is accounted for
    sys.exit(str(error))
