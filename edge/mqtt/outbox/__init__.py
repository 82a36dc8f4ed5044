"""Store and forward: an event waits here until the broker has acknowledged it."""
