"""Traces for OpenTelemetry, for those who have installed it."""
