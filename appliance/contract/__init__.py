"""The models that the box and the operator share; the only part of `appliance` that `fleetctl` may import."""
