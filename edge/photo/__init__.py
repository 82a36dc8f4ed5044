"""Photos: every face of a still picture, its emotions, and a copy with both drawn in."""
