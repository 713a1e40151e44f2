"""The settings of the server: one table, read from flags, variables and a file. Nothing here imports a server."""
