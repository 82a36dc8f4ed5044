"""From a trained model to a checked int8 bundle. Runs on a laptop, never on the Pi."""
