"""What checks the core: for its own tests, and for whoever changes a rule."""
