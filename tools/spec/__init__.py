"""The specification, rendered from the core: its rule table, its message classes, its limits and its error codes."""
