"""Tools that check the core: an exhaustive explorer, a deterministic simulation, and hypothesis strategies."""
