"""The service manager that started this process, such as systemd: the sockets it hands over, and what it is told."""
