"""What the operator's machine has and lacks, for `fleetctl doctor`."""
