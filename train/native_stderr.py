"""Keep TensorFlow's native talk off the terminal. Import this before anything that imports keras.

It writes some lines before its logging knows any level, so the variable that
silences the rest does not reach them.
"""

from __future__ import annotations

import os

from edge.inference.native_stderr import native_stderr_hidden

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
with native_stderr_hidden():
    import keras  # noqa: F401  # the lines come from this import
