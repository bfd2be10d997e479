"""Simulated fleet: many sites on loopback addresses.

The nginx, its configuration, the certificates, the agent's code and NVML's binding are the real ones; the machines
below them are simulated.

`python -m tests.sim.fleet --help` runs one by hand.
"""
