"""One session at an engine: its queue and turns, the recognisers of both engine kinds, and results in session time."""
