"""Is the speaker's turn over, or is this a breath? Detectors by name, and what is decided with their answer."""
