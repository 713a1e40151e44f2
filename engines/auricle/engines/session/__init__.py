"""One session at an engine: queues and turns on the event loop, recognisers of either engine kind, and
results in session time.
"""
