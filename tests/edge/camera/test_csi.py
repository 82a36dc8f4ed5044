from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from edge.camera import csi
from edge.camera.csi import CsiCamera, NoPicamera2Error, csi_cameras, csi_cameras_in_subprocess
from edge.errors import CameraError, CameraHangError

if TYPE_CHECKING:
    from pathlib import Path

LISTS = """
class Picamera2:
    @staticmethod
    def global_camera_info():
        print("a line from the library")
        return [
            {"Model": "C920", "Id": "/base/axi/pcie@120000/rp1/usb@200000-1:1.0-046d:0825"},
            {"Model": "imx708", "Id": "/base/axi/pcie@120000/rp1/i2c@88000/imx708@1a"},
        ]
"""
FAILS = """
class Picamera2:
    @staticmethod
    def global_camera_info():
        raise RuntimeError("Camera __init__ sequence did not complete.")
"""


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the path of a picamera2.py that this process and its children import."""
    folder = tmp_path / "library"
    folder.mkdir()
    # Set, so that what the test imports is taken out again afterwards.
    monkeypatch.setitem(sys.modules, "picamera2", None)
    monkeypatch.delitem(sys.modules, "picamera2")
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.syspath_prepend(folder)
    return folder / "picamera2.py"


@pytest.mark.parametrize("ask", [csi_cameras, csi_cameras_in_subprocess])
class TestHereAndInAProcessOfItsOwn:
    def test_libcameras_usb_cameras_are_no_csi_cameras(self, library: Path, ask: csi.ListCsi) -> None:
        library.write_text(LISTS)
        assert ask() == (CsiCamera(1, "imx708"),)

    @pytest.mark.parametrize("missing", ["picamera2", "libcamera"])
    def test_a_missing_module_is_named_with_its_fix(self, library: Path, ask: csi.ListCsi, missing: str) -> None:
        library.write_text(f"raise ModuleNotFoundError('No module', name={missing!r})\n")
        with pytest.raises(CameraError, match=f"Python module {missing}, .*python3-picamera2', then 'make run'"):
            ask()

    def test_a_picamera2_of_another_numpy_is_told_with_its_fix(self, library: Path, ask: csi.ListCsi) -> None:
        library.write_text("raise ValueError('numpy.dtype size changed')\n")
        with pytest.raises(NoPicamera2Error, match=r"numpy\.dtype size changed; take numpy out"):
            ask()

    @pytest.mark.parametrize("when", ["import", "list"])
    def test_a_camera_stack_that_fails_says_why(self, library: Path, ask: csi.ListCsi, when: str) -> None:
        library.write_text(FAILS if when == "list" else "raise RuntimeError('__init__ sequence did not complete.')")
        with pytest.raises(CameraError, match=r"the camera stack failed: .*sequence did not complete") as caught:
            ask()
        assert not isinstance(caught.value, NoPicamera2Error)


def test_a_camera_stack_that_hangs_is_given_up(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csi, "ASK_S", 0.5)
    library.write_text("import time; time.sleep(60)")
    with pytest.raises(CameraHangError, match=r"did not answer within 0\.5 s"):
        csi_cameras_in_subprocess()


def test_a_camera_stack_that_crashes_takes_only_its_process_along(library: Path) -> None:
    library.write_text("import os; os.abort()")
    with pytest.raises(CameraError, match="the camera stack crashed: exit status -6"):
        csi_cameras_in_subprocess()


def test_a_module_in_the_current_folder_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "picamera2.py").write_text("import pathlib; pathlib.Path('was-run').touch(); raise RuntimeError")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CameraError):
        csi_cameras_in_subprocess()
    assert not (tmp_path / "was-run").exists()


def test_no_camera_is_an_empty_list(monkeypatch: pytest.MonkeyPatch) -> None:
    stack = SimpleNamespace(global_camera_info=list)
    monkeypatch.setitem(sys.modules, "picamera2", SimpleNamespace(Picamera2=stack))
    assert csi_cameras() == ()
