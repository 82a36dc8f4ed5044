"""Make Debian packages: `apt install ./emotion-edge_….deb`, one for each Debian and architecture.

    python -m systemd.deb dist [debian13-arm64 …]

A package holds a virtual environment in /usr/lib/emotion-edge with the wheels of a release archive but numpy, which is
Debian's, as Picamera2 needs it. `make deb` calls it.
"""

from __future__ import annotations

import gzip
import os
import re
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from edge.config import example
from systemd import release

HOME = Path("usr/lib/emotion-edge")
DEBIAN = release.ROOT / "systemd/debian"
SCRIPTS = ("preinst", "postinst", "prerm", "postrm")


def version(platform: release.Platform) -> str:
    """Return the package's version: two builds of one version differ by the time of their commit."""
    made = datetime.fromtimestamp(release.made_s(), UTC)
    return f"{release.version()}+{made:%Y%m%d%H%M}~deb{platform.debian}"


def environment(root: Path, platform: release.Platform, wheels: Path) -> None:
    """Make the virtual environment, without running anything of the platform."""
    home, packages = root / HOME, root / HOME / f"lib/python{platform.python}/site-packages"
    # By name, not by path, which pip would write down.
    chosen = [line.split()[0] for line in release.pinned(wheels.glob("*.whl")).splitlines()]
    wanted = [pin for pin in chosen if not pin.startswith(("pip==", "numpy=="))]
    found: list[str | Path] = ["--no-index", "--find-links", wheels, "--no-deps", "--no-compile", "--target", packages]
    release.pip("install", *found, *release.foreign(platform), *wanted)
    shutil.rmtree(packages / "bin", ignore_errors=True)  # the commands of others
    (home / "bin").mkdir()
    for name in ("python", "python3"):
        (home / "bin" / name).symlink_to("/usr/bin/python3")
    (home / "pyvenv.cfg").write_text(
        f"home = /usr/bin\ninclude-system-site-packages = true\nversion = {platform.python}.0\n", encoding="utf-8"
    )
    command = home / "bin/emotion-edge"
    command.write_text(
        f"#!/{HOME}/bin/python\nimport sys\n\nfrom edge.cli.start import main\n\nsys.exit(main())\n", encoding="utf-8"
    )
    command.chmod(0o755)


def service(root: Path, platform: release.Platform) -> None:
    """Put the units and what belongs to them in their places."""
    folder = release.ROOT / "systemd"
    unit = (
        (folder / "emotion-edge.service").read_text(encoding="utf-8").replace("/opt/emotion-edge/current/", f"/{HOME}/")
    )
    if platform.debian >= 13:  # its systemd is 257
        unit = re.sub("^#254 ", "", unit, flags=re.MULTILINE)
    places = {name: root / f"usr/lib/{name}" for name in ("systemd/system", "sysusers.d", "tmpfiles.d")}
    for place in places.values():
        place.mkdir(parents=True)
    made = places["systemd/system"] / "emotion-edge.service"
    made.write_text(unit, encoding="utf-8")
    instance = subprocess.run(["sed", "-f", folder / "instance.sed", made], capture_output=True, check=True).stdout
    made.with_name("emotion-edge@.service").write_bytes(instance)
    shutil.copy(folder / "sysusers.conf", places["sysusers.d"] / "emotion-edge.conf")
    shutil.copy(folder / "tmpfiles.conf", places["tmpfiles.d"] / "emotion-edge.conf")
    for script in ("forget.sh", "own-passwords.sh"):
        shutil.copy(folder / script, root / HOME)
    (root / "usr/bin").mkdir()
    (root / "usr/bin/emotion-edge").symlink_to("../lib/emotion-edge/bin/emotion-edge")


def documents(root: Path, platform: release.Platform) -> None:
    """Write the configuration, and what a Debian package must have beside its content."""
    (root / "etc/emotion-edge").mkdir(parents=True)
    (root / "etc/emotion-edge/config.toml").write_text(example(), encoding="utf-8")
    docs = root / "usr/share/doc/emotion-edge"
    docs.mkdir(parents=True)
    licence = "".join(
        f" {line.strip() or '.'}\n" for line in (release.ROOT / "LICENSE").read_text("utf-8").splitlines()
    )
    (docs / "copyright").write_text((DEBIAN / "copyright").read_text("utf-8").replace("@LICENSE@\n", licence), "utf-8")
    made = datetime.fromtimestamp(release.made_s(), UTC)
    changes = (
        f"emotion-edge ({version(platform)}) unstable; urgency=medium\n\n"
        "  * See /usr/share/doc/emotion-edge/CHANGELOG.md.gz.\n\n"
        f" -- emotion-edge contributors <emotion-edge@localhost>  {made:%a, %d %b %Y %H:%M:%S} +0000\n"
    )
    for name, text in (
        ("changelog.gz", changes),
        ("CHANGELOG.md.gz", (release.ROOT / "CHANGELOG.md").read_text("utf-8")),
    ):
        (docs / name).write_bytes(gzip.compress(text.encode(), mtime=0))
    overrides = root / "usr/share/lintian/overrides"
    overrides.mkdir(parents=True)
    shutil.copy(DEBIAN / "lintian-overrides", overrides / "emotion-edge")


def control(root: Path, platform: release.Platform) -> None:
    """Write what dpkg reads."""
    folder = root / "DEBIAN"
    folder.mkdir()
    files = [path for path in root.rglob("*") if path.is_file() and not path.is_symlink()]
    major, minor = platform.python.split(".")
    values = {
        "VERSION": version(platform),
        "ARCHITECTURE": platform.architecture,
        "SIZE": str(sum(path.stat().st_size for path in files) // 1024),
        "PYTHON": platform.python,
        "NEXT": f"{major}.{int(minor) + 1}",
    }
    text = re.sub("@([A-Z]+)@", lambda found: values[found[1]], (DEBIAN / "control").read_text("utf-8"))
    (folder / "control").write_text(text, encoding="utf-8")
    (folder / "conffiles").write_text("/etc/emotion-edge/config.toml\n", encoding="utf-8")
    for script in SCRIPTS:
        shutil.copy(DEBIAN / script, folder)
        (folder / script).chmod(0o755)
    for path in root.rglob("*"):
        if not path.is_symlink():
            program = path.parent.name in {"bin", "DEBIAN"} and path.name not in {"control", "conffiles"}
            path.chmod(0o755 if path.is_dir() or path.suffix == ".sh" or program else 0o644)
    paths = sorted(path.relative_to(root) for path in files)
    sums = subprocess.run(["md5sum", *paths], cwd=root, capture_output=True, check=True).stdout
    (folder / "md5sums").write_bytes(sums)


def main(into: Path, names: list[str]) -> None:
    """Make the packages, all unless some are named."""
    platforms = release.chosen(names)
    into.mkdir(parents=True, exist_ok=True)
    os.environ["SOURCE_DATE_EPOCH"] = str(release.made_s())  # setuptools and dpkg-deb read it
    with tempfile.TemporaryDirectory() as scratch:
        project = release.build_wheel(Path(scratch))
        for platform in platforms:
            root, wheels = Path(scratch) / platform.name, Path(scratch) / f"{platform.name}-wheels"
            root.mkdir()
            wheels.mkdir()
            release.download(platform, wheels)
            shutil.copy(project, wheels)
            environment(root, platform, wheels)
            service(root, platform)
            documents(root, platform)
            control(root, platform)
            package = into / f"emotion-edge_{version(platform)}_{platform.architecture}.deb"
            print(package.name, flush=True)  # noqa: T201  # its progress
            subprocess.run(["dpkg-deb", "--root-owner-group", "-Zxz", "-z1", "--build", root, package], check=True)
            shutil.rmtree(root)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
