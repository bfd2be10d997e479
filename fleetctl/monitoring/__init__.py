"""What Prometheus and Grafana need to watch a fleet: targets, rules, dashboards, and the federation of a large one."""
