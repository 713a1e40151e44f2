"""Recordings that come as the body of a request: each is decoded as it comes, and heard by a session of its own."""
