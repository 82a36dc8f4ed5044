"""How TensorFlow runs here, set before it is loaded. Import this before anything that imports keras.

- Its native log lines at import are hidden. It writes some before it reads its log level, so the environment
  variable that hides the others has no effect on them.
- oneDNN multiplies on every x86 processor. TensorFlow asks for it only where the processor has AVX512-VNNI or newer;
  with AVX2 alone, a step of `cnn_deep_head` took 50 ms a face without it and 30 with it.
"""

from __future__ import annotations

import os

from edge.inference.native_stderr import native_stderr_hidden

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
with native_stderr_hidden():
    import keras  # noqa: F401  # this import writes the lines
