"""The Debian package, without its wheels: what dpkg reads, and the unit."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from systemd import deb, release
from tests.mounts import can_mount

if TYPE_CHECKING:
    from pathlib import Path

PLATFORMS = {platform.name: platform for platform in release.PLATFORMS}
SCRIPTS = sorted(path for name in deb.SCRIPTS for path in deb.DEBIAN.glob(name))


@pytest.fixture(params=["debian12-arm64", "debian13-amd64"])
def package(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return the folder of the package without its environment."""
    platform = PLATFORMS[request.param]
    root = tmp_path / "root"
    (root / deb.HOME).mkdir(parents=True)
    deb.service(root, platform)
    deb.documents(root, platform)
    deb.control(root, platform)
    return root


@pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="dpkg-deb is missing: apt install dpkg")
def test_dpkg_takes_it_and_the_configuration_is_the_users(package: Path, tmp_path: Path) -> None:
    command: list[str | Path] = ["dpkg-deb", "--root-owner-group", "-Znone", "--build", package, tmp_path / "made.deb"]
    subprocess.run(command, check=True, capture_output=True)
    fields = subprocess.run(["dpkg-deb", "--field", tmp_path / "made.deb"], check=True, capture_output=True, text=True)
    assert re.search(r"^Version: [0-9.]+\+\d{12}~deb1[23]$", fields.stdout, re.MULTILINE)
    assert re.search(r"^Depends: python3 \(>= 3\.(\d+)\), python3 \(<< 3\.", fields.stdout, re.MULTILINE)
    assert "@" not in fields.stdout.replace("@localhost", "")
    assert (package / "DEBIAN/conffiles").read_text() == "/etc/emotion-edge/config.toml\n"
    assert (package / "etc/emotion-edge/config.toml").exists()


@pytest.mark.parametrize("git", [True, False])
def test_outside_a_repository_the_version_is_of_the_newest_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, git: bool
) -> None:
    times = {"pyproject.toml": 1_700_000_000, "edge/a.py": 1_700_000_060, "edge/__pycache__/a.pyc": 1_800_000_000}
    for name, time_s in times.items():
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text('version = "9.9"\n')
        os.utime(file, (time_s, time_s))
    monkeypatch.setattr(release, "ROOT", tmp_path)
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    if not git:
        monkeypatch.setenv("PATH", str(tmp_path))
    assert deb.version(PLATFORMS["debian13-arm64"]) == "9.9+202311142214~deb13"


def test_its_unit_starts_what_the_package_holds(package: Path) -> None:
    for name in ("emotion-edge.service", "emotion-edge@.service"):
        unit = (package / "usr/lib/systemd/system" / name).read_text("utf-8")
        assert "ExecStart=/usr/lib/emotion-edge/bin/emotion-edge run --wait" in unit
        assert "/opt/" not in unit
        steps = re.search("^RestartSteps=", unit, re.MULTILINE)
        control = (package / "DEBIAN/control").read_text("utf-8")
        assert bool(steps) == ("~deb13" in control)  # Debian 12's systemd does not know it


def test_it_holds_the_scripts_that_its_own_scripts_call(package: Path) -> None:
    called = {name for script in SCRIPTS for name in re.findall(r"/usr/lib/emotion-edge/(\S+\.sh)", script.read_text())}
    assert called == {path.name for path in (package / deb.HOME).glob("*.sh")}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_its_scripts_are_shell(script: Path) -> None:
    assert len(SCRIPTS) == len(deb.SCRIPTS)
    subprocess.run(["sh", "-n", script], check=True)
    if shellcheck := shutil.which("shellcheck"):
        checked = subprocess.run([shellcheck, script], capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stdout


def test_a_package_of_apt_and_an_installation_beside_it_are_refused(tmp_path: Path) -> None:
    script = (deb.DEBIAN / "preinst").read_text("utf-8").replace("/opt/", f"{tmp_path}/opt/")
    assert subprocess.run(["sh", "-c", script], check=False).returncode == 0
    (tmp_path / "opt/emotion-edge/current").mkdir(parents=True)
    result = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "current/uninstall.sh" in result.stderr


def _postrm(root: Path) -> str:
    """Return the script that removes what is left, for a system in a folder."""
    return re.sub("(?<=[ =])/(?=(etc|run|usr|var)/)", f"{root}/", (deb.DEBIAN / "postrm").read_text("utf-8"))


def _accounts(root: Path) -> Path:
    """Return a folder with commands that print what they would do to users and groups."""
    folder = root / "bin"
    folder.mkdir()
    for name in ("getent", "groupdel", "userdel"):
        (folder / name).write_text(f"#!/bin/sh\necho {name} $*\n")
        (folder / name).chmod(0o755)
    return folder


def test_a_purge_leaves_nothing_of_the_users_settings(tmp_path: Path) -> None:
    script = _postrm(tmp_path)
    units = tmp_path / "etc/systemd/system"
    gone = [
        units / f"{unit}.service.d/override.conf" for unit in ("emotion-edge", "emotion-edge@front", "emotion-edge@")
    ]
    gone += [tmp_path / "etc/emotion-edge" / name for name in ("config.toml", "front.toml", ".made-folders")]
    account = tmp_path / "etc/sysusers.d/emotion-edge.conf"  # left by 'make uninstall'
    for file in (*gone, account):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    environment = {**os.environ, "PATH": f"{_accounts(tmp_path)}:{os.environ['PATH']}"}
    subprocess.run(["sh", "-c", script, "postrm", "purge"], check=True, env=environment)
    assert not any(file.parent.exists() for file in gone)
    assert not account.exists()
    assert units.exists()


def test_what_pip_added_to_its_environment_goes_with_it(tmp_path: Path) -> None:
    """Else `make install` would take the package for installed."""
    added = tmp_path / "usr/lib/emotion-edge/lib/python3.13/site-packages/pylsl/__init__.py"
    added.parent.mkdir(parents=True)
    added.touch()
    subprocess.run(["sh", "-c", _postrm(tmp_path), "postrm", "remove"], check=True)
    assert not (tmp_path / "usr/lib/emotion-edge").exists()
    assert (tmp_path / "usr/lib").exists()


def test_a_purge_names_what_a_state_that_is_a_link_leads_to(tmp_path: Path) -> None:
    state, data = tmp_path / "var/lib/emotion-edge", tmp_path / "data/mine"
    state.parent.mkdir(parents=True)
    data.mkdir(parents=True)
    (data / "detection").touch()
    state.symlink_to(data)
    environment = {**os.environ, "PATH": f"{_accounts(tmp_path)}:{os.environ['PATH']}"}
    command = ["sh", "-c", _postrm(tmp_path), "postrm", "purge"]
    result = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert (result.returncode, result.stdout) == (1, "")  # what is left keeps its owner
    assert f"{data} is kept, where {state} leads" in result.stderr
    assert (state / "detection").exists()


@pytest.mark.skipif(not can_mount(), reason="mounting needs root, and the right to")
def test_a_purge_empties_a_state_that_is_a_file_system_of_its_own(tmp_path: Path) -> None:
    script, bin_folder = _postrm(tmp_path), _accounts(tmp_path)
    password = tmp_path / "etc/credstore/emotion-edge.mqtt-password"
    state = tmp_path / "var/lib/emotion-edge"
    for folder in (password.parent, state):
        folder.mkdir(parents=True)
    instances = password.with_name("emotion-edge@front.mqtt-password")
    half = instances.with_name(f"{instances.name}.new")  # what a power cut left
    for file in (password, instances, half):
        file.touch()
    steps = f"""
        mount -t tmpfs none {state} && touch {state}/detection
        PATH={bin_folder}:$PATH sh -c "$1" postrm purge
        ls -A {state}"""
    command = ["unshare", "--mount", "sh", "-euc", steps, "sh", script]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
    assert (result.returncode, result.stderr) == (0, "")
    said, *commands = result.stdout.splitlines()
    assert said.startswith(f"{state} stays, where a file system is mounted, now empty")
    assert commands == ["userdel emotion-edge", "groupdel emotion-edge"]
    assert not password.exists()
    assert not instances.exists()
    assert not half.exists()


def test_an_unknown_platform_is_told_before_anything_is_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(release, "pip", lambda *_: pytest.fail("it built"))
    with pytest.raises(SystemExit, match="debian13-armhf: unknown; known are debian12-amd64"):
        deb.main(tmp_path / "out", ["debian13-armhf"])


def test_a_pip_that_fails_is_one_sentence(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(SystemExit, match="pip download failed: see above; it needs the network"):
        release.pip("download", "--no-deps", "no-such-package-of-ours")
    assert "Traceback" not in capfd.readouterr().err
