"""Clients of the servers that are compared: each speaks its server's protocol as the server's own client does."""
