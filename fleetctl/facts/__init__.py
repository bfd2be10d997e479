"""Facts: what a host says about itself. A fact is a list of read commands and a pure parser into a frozen model."""
