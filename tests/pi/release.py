"""The release archives of this checkout, as a user unpacks them: what every rung installs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

from systemd.release import DOCUMENTS, PLATFORMS, Platform, sha256
from tests.pi.cache import FOLDER, cached, key

_KEPT_S = 86_400.0

REPOSITORY = Path(__file__).parents[2]


def platform(name: str) -> Platform:
    """Return one of those that releases are made for: ``debian13-arm64``."""
    (found,) = [each for each in PLATFORMS if each.name == name]
    return found


def release(of: Platform) -> Path:
    """Return the unpacked archive for a platform; the cache keeps those that were used within a day."""
    parts = [REPOSITORY / part for part in ("edge", "systemd", "requirements", *DOCUMENTS)]
    files = sorted(file for part in parts for file in ([part] if part.is_file() else part.rglob("*")))
    sums = [f"{file.relative_to(REPOSITORY)} {sha256(file)}" for file in files if _is_source(file)]
    name = f"release-{of.name}-{key(*sums)}"
    for old in FOLDER.glob("release-*"):
        if time.time() - old.stat().st_mtime > _KEPT_S:  # a run in another checkout may use a newer one
            shutil.rmtree(old)
    path = cached(name, lambda folder: _make(of, folder))
    os.utime(path)
    return path


def _is_source(file: Path) -> bool:
    return file.is_file() and "__pycache__" not in file.parts


def _make(of: Platform, folder: Path) -> None:
    made = folder.parent / "made"
    subprocess.run([sys.executable, REPOSITORY / "systemd/release.py", made, of.name], check=True)
    (archive,) = made.glob("*.tar")
    folder.mkdir()
    unpacking = ("tar", "--extract", "--strip-components=1")
    subprocess.run([*unpacking, "--file", archive, "--directory", folder], check=True)


def install(of: Platform, wheels: list[Path], folder: Path) -> None:
    """Unpack wheels into a folder of modules for a Python that does not run here."""
    _pip(
        of,
        "install",
        # Their least Python is asked of the one that installs.
        *("--ignore-requires-python", "--no-compile", "--no-index", "--target", str(folder), *map(str, wheels)),
    )


def download(of: Platform, requirement: str) -> Path:
    """Return a wheel that no release holds."""

    def fetch(folder: Path) -> None:
        _pip(of, "download", "--dest", str(folder), requirement)

    (wheel,) = cached(f"{requirement}-{of.name}", fetch).glob("*.whl")
    return wheel


def _pip(of: Platform, command: str, *arguments: str) -> None:
    tags = [f"--platform={tag}" for tag in of.tags]
    options = ("--quiet", "--no-deps", "--only-binary=:all:", "--implementation=cp", f"--python-version={of.python}")
    subprocess.run([sys.executable, "-I", "-m", "pip", command, *options, *tags, *arguments], check=True)


def variant(original: Path, folder: Path, version: str, *, broken: bool = False) -> Path:
    """Copy an unpacked archive as another version, whose daemon ends at once if it is broken."""
    shutil.copytree(original, folder, symlinks=True)
    project = folder / "pyproject.toml"
    lines = project.read_text(encoding="utf-8").splitlines(keepends=True)
    changed = [f'version = "{version}"\n' if line.startswith("version = ") else line for line in lines]
    project.write_text("".join(changed), encoding="utf-8")
    if broken:
        (wheel,) = (folder / "wheels").glob("emotion_edge-*.whl")
        _break(wheel)
    sums = [line.split("  ", 1)[1] for line in (folder / "SHA256SUMS").read_text(encoding="utf-8").splitlines()]
    text = "".join(f"{sha256(folder / name)}  {name}\n" for name in sums)
    (folder / "SHA256SUMS").write_text(text, encoding="utf-8")
    return folder


def _break(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        files = {info: archive.read(info) for info in archive.infolist()}
    with zipfile.ZipFile(wheel, "w") as archive:
        for info, content in files.items():
            wrong = b'raise RuntimeError("broken on purpose")\n' if info.filename == "edge/daemon/run.py" else content
            archive.writestr(info, wrong)
