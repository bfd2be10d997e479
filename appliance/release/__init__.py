"""Releases on the box: staged, verified, activated, probed, and rolled back when they do not serve."""
