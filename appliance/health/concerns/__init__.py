"""The judgements, one file a concern: each turns facts into a verdict, what was compared, and the next action. Pure."""
