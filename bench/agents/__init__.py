"""What an agent with the plugin costs and how soon it answers: real speech, a real server."""
