"""Other services' protocols, as translations between their frames and the messages of the core."""
