"""What engine workers on Ray cost, and what their death costs. See run.py."""
