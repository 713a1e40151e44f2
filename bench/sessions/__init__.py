"""What a session costs the server, without a model: messages a second of processor time, sessions a core, memory."""
