"""The store: what was observed of the sites, kept between commands and shared by operators."""
