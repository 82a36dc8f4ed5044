"""The daemon: camera, pipeline and broker put together and kept running."""
