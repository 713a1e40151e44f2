"""Who may use the server, and how much: API keys, their limits, and short-lived tokens for browsers."""
