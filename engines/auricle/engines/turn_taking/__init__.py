"""When is a turn over? What sessions need for that: the interface of detectors, the rules, the judge, and the watch."""
