"""The operator's half of the isolation proof: what is asked of the box, what canaries heard, and the verdict."""
