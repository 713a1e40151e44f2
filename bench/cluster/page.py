"""``docs/bench-cluster.md``, from the results. Pure; `cluster.command` writes it."""

from collections.abc import Mapping
from typing import Any

HEAD = """# Engine workers on Ray, killed

Made by `python bench/cluster/run.py --speech MANIFEST --write` (`pip install -e '.[bench,ray]'`); rendered again from
its results by `python bench/cluster/run.py render`. How such a cluster is set up is in [cluster.md](cluster.md).
"""
TAIL = """
## How to read it

* **Nodes** are Ray's own processes on this one machine: a head with the gateway, which decodes nothing, and two nodes
  with a processor each, on each of which Ray places one worker. **Killed** is a node with all its processes, by
  SIGKILL, in the middle of whatever it does; another one is started then. This one machine starts Ray's processes
  beside sessions, gateway and workers, so that it takes five to six seconds until the new worker serves.
* **Sessions** send live audio whose words are in its samples, each word only once and in one session, so that a word
  that is missing, doubled or another session's is known for certain. The engine that hears them costs next to nothing:
  what is measured is the way to it.
* **Delays** are from the end of speech to the final, the silence included that ends an utterance. The slowest are of
  calls that were on the node that was killed: that is noticed 1.6 s later.
* **A call made again** was running on the node that was killed, or was given to its worker before its loss was known.
* **Local** is the engine in a process of its own, as `auricle serve` runs it; **Ray** the same engine on a worker of a
  node. The same windows, one call at a time, the two taking turns to be first, one thread each; the ratio is that of
  the sums. The text has to be the same, and the word error rate of the finals is beside it.
"""


def page(results: Mapping[str, Any]) -> str:
    """Return the page."""
    meta = results["meta"]
    libraries = ", ".join(f"{name} {version}" for name, version in meta["libraries"].items())
    lines = [
        HEAD,
        f"{meta['date']}, `{meta['command']}`; {meta['cpu']}, {meta['cores']} cores (load before: "
        f"{meta['load_before']}), Python {meta['python']}, Ray {meta['ray']}, {libraries}.",
        "",
        *_kills(results["kills"]),
        "",
        *_overhead(results["overhead"], meta["model"]),
    ]
    return "\n".join(lines) + "\n" + TAIL


def _kills(kills: Mapping[str, Any]) -> list[str]:
    heard, delays = kills["heard"], kills["delays_s"]
    rows = {
        "live sessions": f"{kills['sessions']}, for {kills['seconds']:.0f} s",
        "nodes killed": f"{kills['kills']}, one every {kills['every_s']:g} s",
        "words said": f"{heard['words']:,}",
        "**words missing**": f"**{heard['missing']}**",
        "**words doubled**": f"**{heard['doubled']}**",
        "words that nobody said in the session": heard["strange"],
        "sessions with words out of order": heard["disordered"],
        "sessions not proved complete": heard["incomplete"],
        "connections lost": heard["interrupted"],
        "delay of finals, p50 / p95 / p99 / slowest": " / ".join(
            f"{delays[name]:.2f}" for name in ("p50", "p95", "p99", "most")
        )
        + " s",
        "calls answered": f"{kills['calls']:,}",
        "calls made again": kills["repeated"],
        "workers lost": kills["lost"],
        "time without any worker": f"{kills['without_worker_s']:.1f} s",
        "a third node: start of Ray's processes": f"{kills['node_start_s']:.1f} s",
        "a third node: from then to the first call it has answered": f"{kills['joined_s']:.1f} s",
    }
    return ["## Nodes that die, and one that joins", "", "|  |  |", "| --- | --: |"] + [
        f"| {name} | {value} |" for name, value in rows.items()
    ]


def _overhead(overhead: Mapping[str, Any], model: str) -> list[str]:
    wer = overhead["finals"]["wer"]
    lines = [
        "## What a call costs more",
        "",
        f"{model}, int8, {overhead['clips']} clips of English speech ({overhead['audio_s']:.0f} s), each "
        f"{overhead['rounds']} times; word error rate of the finals {wer['local']:.1%} local, {wer['ray']:.1%} on Ray.",
        "",
        "| window | calls | local, p50 / p95 | Ray, p50 / p95 | **Ray / local** | more, median | same text |",
        "| --- | --: | --: | --: | --: | --: | --: |",
    ]
    names = {
        "partials": f"partial of {overhead['partial_s']:g} s, greedy, with word times",
        "finals": "final of a whole clip, beam, with word times",
    }
    for kind, name in names.items():
        each = overhead[kind]
        ms = {
            where: f"{each['ms'][where]['p50']:.0f} / {each['ms'][where]['p95']:.0f} ms" for where in ("local", "ray")
        }
        lines.append(
            f"| {name} | {each['calls']} | {ms['local']} | {ms['ray']} | **{each['ratio']:.3f}** "
            f"| {each['more_ms']:.1f} ms | {each['same_text']} of {each['calls']} |"
        )
    return lines
