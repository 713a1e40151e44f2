"""A client of the old dialect, in plain aiohttp: exactly the old messages, nothing of Auricle's.

python examples/legacy_client.py FILE [URL]
"""

import asyncio
import json
import sys

import aiohttp
import soundfile


async def main(path: str, url: str = "http://127.0.0.1:8765/ws/transcribe") -> None:
    audio, rate = soundfile.read(path, dtype="int16", always_2d=True)
    mono = audio[:, :1].tobytes()
    async with aiohttp.ClientSession() as http, http.ws_connect(url) as ws:
        await ws.send_str(json.dumps({"language": "en", "sample_rate": rate, "task": "transcribe"}))
        print(await ws.receive_str())  # {"type": "ready", "message": …}
        for start in range(0, len(mono), rate // 5):
            await ws.send_bytes(mono[start : start + rate // 5])
        await ws.send_str(json.dumps({"type": "end_of_stream"}))
        async for message in ws:
            print(message.data)
        print(f"closed with {ws.close_code}")


asyncio.run(main(*sys.argv[1:]))
