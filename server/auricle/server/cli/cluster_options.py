"""The options of ``auricle cluster``."""

from typing import TYPE_CHECKING, Annotated

import typer

from auricle.server.cli.invocation import checked
from auricle.server.cli.lazy import lazy_module
from auricle.server.cli.option_values import TIMEOUT
from auricle.server.cli.options import ApiKey

if TYPE_CHECKING:
    from auricle.server.cli import cluster as cluster_command
    from auricle.server.cli import running
else:
    cluster_command = lazy_module("auricle.server.cli.cluster")
    running = lazy_module("auricle.server.cli.running")


def cluster(
    urls: Annotated[
        list[str], typer.Argument(metavar="URL", help="Nodes, http://host:8765, and HAProxy's http://host:8404/stats.")
    ],
    api_key: ApiKey = None,
    timeout: Annotated[
        str, typer.Option("--timeout", metavar="SECONDS", help="Seconds that each may take to answer.")
    ] = "5",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Show nodes, their models, sessions, queues and engine workers.

    Exit status 1 where something is amiss.
    """
    timeout_s = checked(lambda: TIMEOUT.read_given(timeout))
    request = cluster_command.Request(urls=tuple(urls), api_key=api_key, timeout_s=timeout_s, as_json=as_json)
    raise typer.Exit(int(running.run(cluster_command.cluster, request)))
