"""Face-mesh landmarks: found once in an environment of their own, kept in a file, looked up by picture."""

POINTS = 478
"""Points of a face mesh with irises."""
