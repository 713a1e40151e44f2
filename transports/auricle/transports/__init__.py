"""Drivers: they move frames, events and time between a session of the core and the world, and decide nothing.

`auricle.transports.trio` and `auricle.transports.asyncio` offer the same client.
"""
