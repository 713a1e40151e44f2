"""HTTP on one port: the listener, request heads, WebSocket upgrades and plain responses."""
