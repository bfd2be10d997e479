"""The clinical gateway: the one way from the practice's network to the engines, and from a visit to a signed note."""
