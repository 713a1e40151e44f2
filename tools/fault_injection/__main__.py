"""Hold sessions with real servers through faults: ``PYTHONPATH=tools python -m fault_injection --sessions 400``.

Every session must be exactly as an uncut one. One that is not is told with the command that runs it again. ``--write``
puts the counts into the page.
"""

import argparse
import math
import sys
import time
from pathlib import Path

import trio

from fault_injection.report import summary, told, write
from fault_injection.run import AT_ONCE, run


def main() -> int:
    """Run what the command line asks for; 1 where a session was not as the uncut one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=20, help="how many (default: %(default)s)")
    parser.add_argument("--only", type=int, help="hold the session with this number alone")
    parser.add_argument("--seed", default="1", help="of the faults (default: %(default)s)")
    parser.add_argument("--at-once", type=int, default=AT_ONCE, help="sessions at a time (default: %(default)s)")
    parser.add_argument("--engine", choices=("stateful", "window"), default="stateful", help="(default: %(default)s)")
    parser.add_argument("--minutes", type=float, default=math.inf, help="begin no session after so many")
    parser.add_argument("--each-alone", action="store_true", help="then one session for each kind of fault, alone")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="write the counts into this page")
    arguments = parser.parse_args()
    numbers = range(arguments.sessions) if arguments.only is None else [arguments.only]
    began = time.monotonic()
    result = trio.run(
        lambda: run(
            numbers,
            seed=arguments.seed,
            engine=arguments.engine,
            at_once=arguments.at_once,
            seconds=60 * arguments.minutes,
            each_alone=arguments.each_alone,
            tell=lambda session: print(told(session), flush=True),
        )
    )
    seconds = time.monotonic() - began
    print(summary(result, seconds))
    for session in result.different:
        print(*session.differences, sep="\n")
        print(f"again: python -m fault_injection --seed {result.seed} --engine {result.engine} --only {session.number}")
    if arguments.write is not None:
        write(arguments.write, result, seconds)
    return 1 if result.different else 0


if __name__ == "__main__":
    sys.exit(main())
