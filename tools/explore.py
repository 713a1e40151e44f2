"""Explore the core: every order of events of some bounded conversations, searched to the end."""

import argparse
import resource
import sys
import time

from auricle.core.testing.explorer import liveness, report
from auricle.core.testing.explorer.search import Explored, Found, explore
from auricle.core.testing.explorer.settings import NAMED


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", choices=sorted(NAMED), default="small")
    parser.add_argument("--only", default="")
    parser.add_argument("--most", type=int, default=5_000_000)
    options = parser.parse_args()
    bad = 0
    for settings in NAMED[options.config]:
        if options.only and options.only not in settings.name:
            continue
        begun = time.perf_counter()
        explored = explore(settings, most=options.most)
        if explored.found is None and explored.complete:
            stuck = liveness.stuck(explored)
            if stuck:
                explored.found = Found("I9", f"I9: {len(stuck)} states never end", explored.trace(stuck[0]), "for ever")
        took = time.perf_counter() - begun
        print(describe(explored, took), flush=True)
        if explored.found:
            bad += 1
            print("\n".join(report.conversation(explored, explored.found)))
    return bad


def describe(explored: Explored, took: float) -> str:
    m = explored.machinery
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return (
        f"{explored.settings.name:32} {len(explored.keys):9} states {explored.edges:9} edges depth {explored.depth:3} "
        f"steps {m.steps} clients {len(m.clients)} servers {len(m.servers)} {took:6.1f} s {len(explored.keys) / took:7.0f}/s {peak} MiB "
        f"{'complete' if explored.complete else 'CUT SHORT'}"
    )


if __name__ == "__main__":
    sys.exit(main())
