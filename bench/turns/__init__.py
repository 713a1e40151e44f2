"""How well the end of a turn is told from a breath, on real sentences with their own pauses, longer and shorter."""
