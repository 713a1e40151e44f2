"""Recordings of any container, decoded as they are read: from files, pipes and uploads."""
