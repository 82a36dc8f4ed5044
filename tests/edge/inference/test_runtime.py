from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edge.errors import BundleError
from edge.inference import runtime
from edge.system.packages import pip_install

if TYPE_CHECKING:
    from edge.inference.runtime import Runtime


@pytest.mark.parametrize(("asked", "package"), [(None, "ai-edge-litert"), ("tflite-runtime", "tflite-runtime")])
def test_a_missing_runtime_is_told_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, asked: Runtime | None, package: str
) -> None:
    monkeypatch.setattr(runtime, "installed", dict)
    with pytest.raises(BundleError) as told:
        runtime.open_interpreter(b"", asked)
    assert str(told.value).endswith(f"is not installed: {pip_install(package)}")
