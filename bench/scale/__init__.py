"""A plan past this machine: sessions on many workers, simulated with the real scheduler. See run.py."""
