"""Metrics for Prometheus: what there is, and where each number comes from."""
