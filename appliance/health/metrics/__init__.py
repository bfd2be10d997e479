"""The snapshot as Prometheus metrics: dcgm-exporter's names for GPUs, our own under `fleetctl_`."""
