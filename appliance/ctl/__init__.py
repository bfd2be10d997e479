"""appliancectl: what can be done and asked on the box itself."""
