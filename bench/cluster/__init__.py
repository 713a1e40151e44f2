"""Engine workers on real nodes of Ray, which are killed: tests/engines/ray runs it."""
