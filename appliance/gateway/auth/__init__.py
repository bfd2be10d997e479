"""Who may do what: tokens and certificates become principals, a table decides, break-glass is limited and visible."""
