"""What operators read and import, rendered from the code: the tables of metrics, and the dashboard for Grafana."""
