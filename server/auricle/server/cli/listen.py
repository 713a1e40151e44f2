"""``auricle listen``: transcribe the microphone until Ctrl-C."""

import signal
import sys
from dataclasses import dataclass

import trio

from auricle.core import Start
from auricle.server.cli.display import choose_display
from auricle.server.cli.exit_codes import Exit, worst
from auricle.server.cli.microphone import Microphone, MicrophoneError, open_microphone
from auricle.server.cli.server_choice import ServerChoice, server_url
from auricle.server.cli.stop_signals import EXITS
from auricle.server.cli.streaming import Outcome, stream, summary
from auricle.transports.trio import ConnectFailed, connect


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The arguments of the command."""

    config: Start
    server: ServerChoice
    device: str | None


async def listen(request: Request) -> Exit:
    """Transcribe the microphone. The first signal ends the input and waits for the last finals; the second aborts."""
    with choose_display(sys.stdout, sys.stderr) as display:
        try:
            async with (
                open_microphone(request.device) as microphone,
                server_url(request.server, display) as url,
                connect(url, request.config, api_key=request.server.api_key, allow_legacy=True) as client,
            ):
                display.start(microphone.name, None)
                display.note("Listening; press Ctrl-C to stop.")
                outcome, results = Outcome(), [Exit.GOOD]
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(_stop_on_signals, microphone, nursery.cancel_scope, results)
                    await stream(client, microphone, display, outcome, trio.CancelScope())
                    nursery.cancel_scope.cancel()
                if outcome.closed is None:
                    return Exit.INTERRUPTED
                display.finish(summary(microphone.name, client, outcome).line())
                if microphone.overruns:
                    display.note(f"{microphone.lost_s:.2f} s of sound came faster than they could be sent.")
                if outcome.closed.complete is False:
                    results.append(Exit.INCOMPLETE)
                return worst(results)
        except MicrophoneError as error:
            display.note(str(error))
            return Exit.BAD_INPUT
        except ConnectFailed as error:
            display.note(str(error))
            return Exit.INCOMPLETE


async def _stop_on_signals(microphone: Microphone, scope: trio.CancelScope, results: list[Exit]) -> None:
    """Ctrl-C is how the command is meant to end; other signals are noted among ``results``."""
    with trio.open_signal_receiver(*EXITS) as signals:
        async for number in signals:
            if number != signal.SIGINT:
                results.append(EXITS[number])
            microphone.stop()
            break
        async for _ in signals:
            scope.cancel()
