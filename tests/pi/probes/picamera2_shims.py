"""What Picamera2 needs to run on libcamera's virtual pipeline, on a machine that is no Pi.

Four things differ: the memory for pictures has another name; the display library of the Pi is not there, nor the one
that writes raw files; the buffers' memory is mapped without the synchronisation that a Pi's driver offers; the virtual
camera has no raw stream.
"""

from __future__ import annotations

import mmap
import sys
import types
from typing import Any


class _AnyName(type):
    """Of a class whose every attribute exists."""

    def __getattr__(cls, name: str) -> str:
        if name.startswith("__"):
            raise AttributeError(name)
        return name


class _Absent(types.ModuleType):
    """A module of which every name exists and does nothing."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _AnyName(name, (), {})


for _name in ("pykms", "pidng", "pidng.core", "pidng.camdefs", "pidng.defs", "pidng.dng"):
    sys.modules.setdefault(_name, _Absent(_name))


def apply() -> None:
    """Change Picamera2, which has been imported."""
    import picamera2  # noqa: PLC0415  # on the machine where this runs
    from picamera2 import dma_heap  # noqa: PLC0415
    from picamera2.allocators import LibcameraAllocator  # noqa: PLC0415
    from picamera2.allocators.allocator import Sync  # noqa: PLC0415

    dma_heap.heapNames.append("/dev/dma_heap/system")

    class MappedSync(Sync):  # type: ignore[misc]
        def __init__(self, allocator: Any, buffer: Any, write: bool) -> None:  # noqa: FBT001  # Picamera2's way
            super().__init__(allocator, buffer, write)
            self._buffer = buffer

        def __enter__(self) -> mmap.mmap:
            size = sum(plane.length for plane in self._buffer.planes)
            access = mmap.PROT_READ | mmap.PROT_WRITE
            self._memory = mmap.mmap(self._buffer.planes[0].fd, size, mmap.MAP_SHARED, access)
            return self._memory

        def __exit__(self, *_: object) -> None:
            self._memory.close()

    class MappedAllocator(LibcameraAllocator):  # type: ignore[misc]
        def __init__(self, camera: Any) -> None:
            super().__init__(camera)
            self.sync = MappedSync

    class VirtualPicamera2(picamera2.Picamera2):  # type: ignore[misc]
        def _get_raw_modes(self) -> list[dict[str, Any]]:
            try:
                modes: list[dict[str, Any]] = super()._get_raw_modes()
            except AttributeError:
                return [{"format": "NV12", "size": (1280, 720)}]
            return modes

        def configure(self, *arguments: Any, **named: Any) -> Any:
            self.allocator = MappedAllocator(self.camera)
            return super().configure(*arguments, **named)

    picamera2.Picamera2 = VirtualPicamera2
