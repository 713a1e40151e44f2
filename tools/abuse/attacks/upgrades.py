"""Upgrades to what is not spoken here, and answers in very many parts."""

from typing import Final

from abuse.attacks.crowd import crowd
from abuse.fates import Fates
from abuse.target import Target
from abuse.wire import attacking, request

PATIENCE_S: Final = 100.0

UPGRADES: Final[dict[str, bytes]] = {
    "HTTP/2 in plain text": request(
        "GET /status", {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2-Settings": "AAMAAABkAAQAAP__"}
    ),
    "a WebSocket with a body": request(
        "GET /ws/transcribe",
        {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13", "Content-Length": "40",
         "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="},
    ),
}  # fmt: skip
"""Heads that are no WebSocket, and must not be answered as one."""


async def other_upgrades(target: Target) -> Fates:
    """Upgrades to what is not spoken here, and with what does not belong to them."""
    fates = Fates()
    for name, head in UPGRADES.items():
        async with attacking(target.port) as attacker:
            await attacker.send(head)
            fates.add(*await attacker.until_gone(PATIENCE_S))
            if b"HTTP/1.1 101" in attacker.received:
                fates.faults.append(f"{name} was let in.")
    fates.expect("200", "400")
    return fates


async def many_ranges(target: Target) -> Fates:
    """The page in three thousand ranges, again and again."""
    fates = Fates()
    ranges = ",".join(f"{at}-{at}" for at in range(0, 6_000, 2))[:15_000].rpartition(",")[0]
    head = request("GET /web/style.css", {"Range": f"bytes={ranges}"})
    last = request("GET /web/style.css", {"Range": f"bytes={ranges}", "Connection": "close"})

    async def one(_number: int) -> None:
        async with attacking(target.port) as attacker:
            await attacker.send(head * 20 + last)
            fates.add(*await attacker.until_gone(PATIENCE_S))

    await crowd(5, one)
    fates.expect("200", "206", "400", "416")
    return fates
