"""Verifies a site's audit log away from the site: written anew from the specifications, shares no code with the box."""
