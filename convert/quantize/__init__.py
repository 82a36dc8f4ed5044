"""From a float network to an int8 one: ranges from representative faces, and what brings the outputs closer."""
