"""A deterministic engine that says what a script tells it: for tests and load."""
