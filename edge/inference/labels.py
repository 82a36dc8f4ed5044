"""The name that an output has beside the emotions'."""

FACE = "face"
"""The name of the output, and in training of the label, that a picture is a face at all."""
