"""The explorer: every order of events between two real cores, two channels and their faults, searched to the end.

It runs the real `auricle.core.machine.step` (through the real façades), not a model of it. See notes/sans-io.md §6.7.
"""
