"""What the box and the operator share: models, their rules, and the stdout of both commands.

The only part of `appliance` that `fleetctl` may import.
"""
