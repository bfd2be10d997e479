"""The operator's program: prepares, seals, proves and watches appliances over a fleet of sites."""
