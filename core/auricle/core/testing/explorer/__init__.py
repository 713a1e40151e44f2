"""The explorer: an exhaustive search of every order of events between two sessions, two channels and their faults.

It runs the real `auricle.core.machine.step` (through the real façades), not a model of it. See notes/sans-io.md §6.7.
"""
