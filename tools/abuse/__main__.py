"""Attack a real server, and tell what it did: ``PYTHONPATH=tools python -m abuse``; then ``--soak --minutes 60``.

Everything happens on the loopback. An attack that was let in, lost a word of the witness or left something behind is
told, and ends the run with 1. ``--write`` puts the figures into the page.
"""

import argparse
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from resource import RLIMIT_NOFILE, getrlimit, setrlimit

import trio
from fault_injection.report import told as told_session

from abuse.catalogue import ATTACKS, Attack
from abuse.report import ATTACKS as ATTACKS_MARKS
from abuse.report import SOAK, line, soaked, table, write
from abuse.run import Row, nobody, run
from abuse.soak import Soak, soak
from abuse.target import running_target

NOBODY = "nobody"


def main() -> int:
    """Do what the command line asks for; 1 where something was not as it must be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", metavar="ATTACK", help=f"of: {'; '.join(ATTACKS)}")
    parser.add_argument("--soak", action="store_true", help="instead: sessions through faults, beside attacks")
    parser.add_argument("--minutes", type=float, default=5.0, help="of a soak (default: %(default)s)")
    parser.add_argument("--seed", default="1", help="of a soak (default: %(default)s)")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="write the figures into this page")
    arguments = parser.parse_args()
    _take_all_files()
    faults = _soak(arguments) if arguments.soak else _attack(arguments)
    print(*faults, sep="\n", file=sys.stderr)
    return 1 if faults else 0


def _attack(arguments: argparse.Namespace) -> list[str]:
    chosen: dict[str, Attack] = {NOBODY: nobody}
    chosen |= {name: attack for name, attack in ATTACKS.items() if not arguments.only or name in arguments.only}
    faults: list[str] = []

    def tell(row: Row) -> None:
        print(line(row), flush=True)
        faults.extend(f"{row.name}: {fault}" for fault in row.faults)

    async def attack() -> list[Row]:
        async with running_target() as target:
            rows = await run(target, chosen, tell)
            faults.extend(f"The server's log says: {said}" for said in target.trouble())
        return rows

    rows = trio.run(attack)
    if arguments.write and not faults:
        write(arguments.write, ATTACKS_MARKS, table(rows, _facts()))
    return faults


def _soak(arguments: argparse.Namespace) -> list[str]:
    result: Soak = trio.run(
        lambda: soak(60 * arguments.minutes, arguments.seed, lambda session: print(told_session(session), flush=True))
    )
    text = soaked(result, _facts())
    print(text)
    if arguments.write:
        write(arguments.write, SOAK, text)
    different = [f"Session {each.number}: {said}" for each in result.different for said in each.differences]
    return [*different, *result.attack_faults, *result.trouble]


def _facts() -> str:
    return f"{datetime.now(tz=UTC).date().isoformat()}, {os.cpu_count()} processors, Python {sys.version.split()[0]}."


def _take_all_files() -> None:
    """Let this process, and the server that it starts, have as many open files as the system allows."""
    _, hard = getrlimit(RLIMIT_NOFILE)
    setrlimit(RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    sys.exit(main())
