"""Is the speaker's turn over, or is this a breath? The detectors, by name; what is done with them is `turn_taking`."""
