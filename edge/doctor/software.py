"""Checks of what is installed: configuration, Python, runtime, model, OpenCV."""

from __future__ import annotations

import platform
import sys
from typing import TYPE_CHECKING

from edge.doctor.finding import Finding
from edge.errors import BundleError, ConfigError, EdgeError
from edge.system.packages import REQUIREMENTS, install_missing, pip_install
from edge.text import first_line

# What may be missing is imported where it is checked.

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from edge.config import EmotionConfig, Settings


_INSTALL_AGAIN = "install emotion-edge again, as docs/install.md says"


def missing(name: str, error: ImportError) -> Finding:
    """Return the finding of a check that needs a module which is missing or does not load."""
    module = (error.name or "").partition(".")[0]
    found = f"needs {module}: {first_line(error)}" if module else first_line(error)
    return Finding(name, "broken", found, install_missing(error) or _INSTALL_AGAIN)


def configuration(settings: Settings | ConfigError) -> Finding:
    """Check that the configuration is valid."""
    name = "configuration"
    if isinstance(settings, ConfigError):
        return Finding(name, "broken", str(settings), "emotion-edge config example  # shows what is allowed")
    return Finding(name, "ok", "valid")


def python() -> Finding:
    """Report the Python in use. One older than 3.11 could not load this file."""
    return Finding("python", "ok", f"{platform.python_version()} {platform.machine()} in {sys.prefix}")


def runtime() -> Finding:
    """Check that there is a TFLite runtime, and that it is the fast one."""
    from edge.inference.runtime import installed  # noqa: PLC0415  # it needs numpy

    name, available = "TFLite runtime", installed()
    best = "tflite-runtime" if platform.machine() == "armv7l" else "ai-edge-litert"
    if not available:
        return Finding(name, "broken", "none is installed", pip_install(best))
    used, *others = (f"{runtime} {version}" for runtime, version in available.items())
    found = f"{used} is used" + (f"; also installed: {', '.join(others)}" if others else "")
    if best == "ai-edge-litert" and "litert" not in available:
        return Finding(name, "warning", f"{found}; LiteRT is several times as fast", pip_install(best))
    return Finding(name, "ok", found)


def model(emotion: EmotionConfig, state: Path) -> Finding:
    """Check that the model bundle loads, and that its answers are plausible.

    Args:
        emotion: Names the bundle, unless that is left to ``emotion-edge model use``.
        state: The daemon's state folder, where that choice is.
    """
    import numpy as np  # noqa: PLC0415  # it may be missing

    from edge.inference.bundle import SHIPPED, ModelBundle  # noqa: PLC0415  # it needs numpy
    from edge.inference.store import ModelStore  # noqa: PLC0415  # the same

    name, store = "model", ModelStore(state)
    choice = None if emotion.model else store.choice
    try:
        path = emotion.model or (store.find(choice.model) if choice else SHIPPED)
        bundle = ModelBundle.configured(emotion, path)
    except (BundleError, ConfigError) as error:
        if choice and choice.model != SHIPPED.stem:
            found = f"the chosen one cannot be used, and the one before takes its place: {error}"
            return Finding(name, "warning", found, "emotion-edge model list  # then: emotion-edge model use NAME")
        fix = "emotion-edge config show  # then correct [emotion], or remove it for the shipped model"
        return Finding(name, "broken", str(error), fix)
    height, width = bundle.network.input_shape
    ramp = np.linspace(0, 255, height * width).reshape(1, height, width)
    pictures = np.concatenate([ramp, 255 - ramp, np.zeros_like(ramp)]).astype(np.uint8)
    answers = bundle.read(pictures).probabilities
    about = f"{bundle.card.name} {bundle.card.version}, {len(bundle.labels)} labels, {path}"
    if fault := implausible(answers):
        return Finding(
            name, "broken", f"{about}: {fault}", "python -m convert --help  # the network has to be converted again"
        )
    return Finding(name, "ok", about)


def implausible(answers: NDArray[np.float32]) -> str | None:
    """Return what is wrong with a network's answers, or None.

    Args:
        answers: ``(N, C)`` probabilities of N different pictures.
    """
    import numpy as np  # noqa: PLC0415  # it may be missing

    if not np.isfinite(answers).all() or not np.allclose(answers.sum(axis=1), 1, atol=1e-3):
        return "its answers are not probabilities"
    if np.ptp(answers, axis=0).max() == 0:
        return "it gives every picture the same answer"
    return None


def opencv() -> Finding:
    """Check that OpenCV is installed, with its face cascades."""
    name = "OpenCV"
    try:
        import cv2  # noqa: PLC0415  # it may be missing

        from edge.vision.cascades import CASCADES, cascade_file  # noqa: PLC0415  # it needs cv2
    except ImportError as error:
        return missing(name, error)
    try:
        cascades = [cascade_file(cascade) for cascade in CASCADES]
    except EdgeError as error:
        return Finding(name, "broken", f"{cv2.__version__}: {error}", "sudo apt install opencv-data")
    # OpenCV 5 no longer has cascades.
    for cascade in cascades:
        if not hasattr(cv2, "CascadeClassifier") or cv2.CascadeClassifier(str(cascade)).empty():
            fix = pip_install(REQUIREMENTS["cv2"])
            return Finding(name, "broken", f"{cv2.__version__} cannot load {cascade}", fix)
    return Finding(name, "ok", f"{cv2.__version__}, {cascades[0]}")


def pyav() -> Finding:
    """Check that PyAV is installed, which decodes clips and streams."""
    try:
        import av  # noqa: PLC0415  # it may be missing
    except ImportError as error:
        return missing("PyAV", error)
    return Finding("PyAV", "ok", av.__version__)
