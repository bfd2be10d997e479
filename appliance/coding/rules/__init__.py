"""Structure rules: from raw candidates to complete, billable codes with partners and questions, read from the table."""
