"""What a live run has besides a file's: tiers that it climbs and descends, sinks that may die, a delay that is held."""
