"""What the gateway keeps: SQLite or PostgreSQL for what is looked up, sealed blobs for what was said and written."""
