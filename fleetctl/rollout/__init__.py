"""Rollouts: plans, waves, gates, the journal and the engine that follows it."""
