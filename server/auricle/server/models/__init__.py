"""The models of a server: each with an engine actor of its own, and whether it answers."""
