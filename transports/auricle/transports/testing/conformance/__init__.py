"""The conformance checks of a server, from outside: `check_server`, and ``auricle conform URL`` on the command line.

For any server that speaks ``auricle.v1`` or the legacy dialect. docs/conformance.md lists the checks.
"""

from auricle.transports.testing.conformance.checks import CHECKS
from auricle.transports.testing.conformance.results import Check, Verdict
from auricle.transports.testing.conformance.runner import Unreachable, check_server

__all__ = ["CHECKS", "Check", "Unreachable", "Verdict", "check_server"]
