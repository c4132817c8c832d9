"""Looking at what syncs did: over time, in SQL, and why."""
