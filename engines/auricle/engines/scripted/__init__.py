"""Deterministic engines for tests and load, whose transcripts come from a script."""
