"""pocketsphinx as a stateful engine."""
