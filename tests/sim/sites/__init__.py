"""Simulated sites: each has its own root folder and loopback address, a real sshd, the real `appliancectl` and the real
rsync. Simulated, and named so, are `systemctl` and the services behind it, and the faults."""
