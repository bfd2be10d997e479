"""What runs on the box: the clinical services, the health agent and appliancectl."""
