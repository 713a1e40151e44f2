"""What is measured: a module for each, with ``measure(bench)``, which returns what the results file holds of it."""
