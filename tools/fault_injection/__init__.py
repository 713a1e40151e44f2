"""Sessions of both clients with real servers, through a proxy that breaks their connections: docs/reliability.md.

``PYTHONPATH=tools python -m fault_injection --help``
"""
