"""From face crops to emotions: model bundles and the TFLite runtimes that run them."""
