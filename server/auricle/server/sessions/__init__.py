"""Sessions of the server: the conversation of one client with an engine, and the registry that resumption uses."""
