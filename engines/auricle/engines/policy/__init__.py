"""The streaming policy: when a window of audio is decoded, and what of it is said. Pure."""
