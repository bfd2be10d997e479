"""Loads a machine before it carries patients: GPUs, memory and disks, all at once, while NVML is read beside it."""
