"""Hide TensorFlow's native log lines at import. Import this before anything that imports keras.

TensorFlow writes some lines before it reads its log level, so the environment variable
that hides the others has no effect on them.
"""

from __future__ import annotations

import os

from edge.inference.native_stderr import native_stderr_hidden

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
with native_stderr_hidden():
    import keras  # noqa: F401  # this import writes the lines
