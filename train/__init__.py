"""From labelled faces to a Keras model and a report. Runs on a laptop, never on the Pi."""
