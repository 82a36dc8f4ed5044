"""The files of a machine that is not this one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.system.machine import Machine

if TYPE_CHECKING:
    from pathlib import Path


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def raspberry_pi_4(folder: Path) -> Machine:
    """Return a Pi 4 that was once throttled."""
    write(
        folder,
        {
            "sys/class/thermal/thermal_zone0/type": "gpu-thermal\n",
            "sys/class/thermal/thermal_zone0/temp": "40000\n",
            "sys/class/thermal/thermal_zone1/type": "cpu-thermal\n",
            "sys/class/thermal/thermal_zone1/temp": "48686\n",
            "sys/class/hwmon/hwmon0/name": "cpu_thermal\n",
            "sys/class/hwmon/hwmon0/temp1_input": "41000\n",
            "sys/devices/platform/soc/soc:firmware/get_throttled": "50000\n",
            "proc/self/statm": "30000 2000 800 1 0 900 0\n",
            "proc/uptime": "3600.25 9000.00\n",
            "proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.4\0",
            "proc/cpuinfo": "processor : 0\nmodel name : ARMv8\n",
        },
    )
    return Machine(sys=folder / "sys", proc=folder / "proc")
