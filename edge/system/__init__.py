"""The machine and the service manager around the daemon."""
