"""Release archives: what is in them, and that install.sh takes no other machine's, nor a damaged one."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from systemd import release

ROOT = Path(__file__).parents[2]
SYSTEM = Path("/usr/bin/python3")


def named(name: str) -> release.Platform:
    (found,) = [known for known in release.PLATFORMS if known.name == name]
    return found


def test_each_platform_gets_the_packages_of_its_own_python_and_processor() -> None:
    pins = (ROOT / "requirements/edge.txt").read_text("utf-8").splitlines()
    bookworm, trixie = named("debian12-arm64").wanted(pins), named("debian13-arm64").wanted(pins)
    (old,) = [pin for pin in bookworm if pin.startswith("numpy==")]
    (new,) = [pin for pin in trixie if pin.startswith("numpy==")]
    assert (old.startswith("numpy==1."), new.startswith("numpy==2.")) == (True, True)
    for pins_there in (bookworm, trixie):
        assert not any(pin.startswith(("colorama", "tflite")) for pin in pins_there)  # Windows, 32-bit Arm
        assert any(pin.startswith("ai-edge-litert==") for pin in pins_there)


def test_a_platform_takes_wheels_for_its_c_library_and_older_ones() -> None:
    tags = named("debian12-arm64").tags
    assert "manylinux_2_28_aarch64" in tags
    assert "manylinux_2_37_aarch64" not in tags  # Debian 12 has glibc 2.36


def test_an_unknown_platform_is_refused(tmp_path: Path) -> None:
    command: list[str | Path] = [sys.executable, "-m", "systemd.release", tmp_path, "debian11-mips"]
    result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert result.returncode == 1
    assert result.stderr.startswith("debian11-mips: unknown; known are debian12-amd64, ")


def archive(folder: Path, python: str, machine: str) -> Path:
    """Make what an archive unpacks to, with a file in place of the wheels."""
    for part in ("requirements", "systemd"):
        shutil.copytree(ROOT / part, folder / part)
    (folder / "pyproject.toml").write_text('version = "9.9"\n')
    (folder / "PLATFORM").write_text(f"{python} {machine} debian99-{machine}\n")
    (folder / "wheels").mkdir()
    (folder / "wheels/some.whl").write_text("whole")
    files = [folder / "wheels/some.whl", folder / "PLATFORM"]
    lines = [f"{release.sha256(path)}  {path.relative_to(folder)}\n" for path in files]
    (folder / "SHA256SUMS").write_text("".join(lines))
    return folder


def install(folder: Path, root: Path) -> subprocess.CompletedProcess[str]:
    root.mkdir()
    command: list[str | Path] = ["sh", folder / "systemd/install.sh", "--root", root]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def python() -> str:
    if not SYSTEM.exists():
        pytest.skip("there is no /usr/bin/python3")
    script = "import sys; print('{}.{}'.format(*sys.version_info))"
    return subprocess.run([SYSTEM, "-I", "-c", script], capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize("change", ["another Python", "another processor"])
def test_the_archive_of_another_system_is_refused(tmp_path: Path, python: str, change: str) -> None:
    here = (python, platform.machine())
    other = ("3.99", here[1]) if change == "another Python" else (here[0], "mips")
    result = install(archive(tmp_path / "archive", *other), tmp_path / "root")
    assert result.returncode == 1
    assert f"with Python {other[0]} on {other[1]}; here is Python {here[0]} on {here[1]}" in result.stderr
    assert list((tmp_path / "root").iterdir()) == []


def test_a_damaged_archive_is_refused(tmp_path: Path, python: str) -> None:
    folder = archive(tmp_path / "archive", python, platform.machine())
    (folder / "wheels/some.whl").write_text("damaged")
    result = install(folder, tmp_path / "root")
    assert result.returncode == 1
    assert "this archive is damaged: unpack it again" in result.stderr
    assert list((tmp_path / "root").iterdir()) == []


@pytest.mark.parametrize("name", ["install.sh", "uninstall.sh"])
@pytest.mark.parametrize(
    ("makefile", "said"),
    [(False, "sudo {script}"), (True, "sudo make {target}")],
)
def test_who_is_not_root_is_told_a_command_that_is_there(
    tmp_path: Path, name: str, *, makefile: bool, said: str
) -> None:
    folder = archive(tmp_path / "archive", "3.13", platform.machine())
    if makefile:
        (folder / "Makefile").touch()
    (tmp_path / "id").write_text("#!/bin/sh\necho 1000\n")
    (tmp_path / "id").chmod(0o755)
    script = folder / "systemd" / name
    result = subprocess.run(
        ["sh", script],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
    )
    assert result.returncode == 1
    expected = said.format(script=script, target=name.removesuffix(".sh"))
    assert result.stderr == f"{name}: this needs root: run '{expected}'\n"


def test_the_uninstaller_that_removes_itself_says_before_how_to_remove_all(tmp_path: Path) -> None:
    opt = tmp_path / "opt/emotion-edge/1.0"
    opt.mkdir(parents=True)
    script = shutil.copy(ROOT / "systemd/uninstall.sh", opt)
    command: list[str | Path] = ["sh", script, "--root", tmp_path]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    hint = f"'sudo PURGE=1 {script} --root {tmp_path}'"
    assert [hint in line for line in said] == [False, True, False]
    assert "make" not in "".join(said)


def test_an_archive_may_be_in_a_folder_with_a_blank_in_its_name(tmp_path: Path, python: str) -> None:
    folder = archive(tmp_path / "my archive", python, platform.machine())
    # As pip does, which splits it at blanks.
    find = '#!/bin/sh\nfor place in $PIP_FIND_LINKS; do cat "$place/some.whl"; done\nexit 3\n'
    (folder / "requirements/venv.sh").write_text(find)
    result = install(folder, tmp_path / "root")
    assert (result.returncode, result.stderr) == (3, "")
    assert result.stdout.endswith("whole")


def test_the_same_content_makes_the_same_bytes_whoever_packs_it(tmp_path: Path) -> None:
    packed = []
    for name, mode in (("first", 0o700), ("second", 0o777)):
        folder = tmp_path / name / "emotion-edge"
        (folder / "systemd").mkdir(parents=True)
        for file in ("b.txt", "a.txt", "systemd/install.sh"):
            (folder / file).write_text(file)
            (folder / file).chmod(mode)
        release.pack(folder, tmp_path / f"{name}.tar", time_s=1_700_000_000)
        packed.append((tmp_path / f"{name}.tar").read_bytes())
    assert packed[0] == packed[1]
    listed = subprocess.run(["tar", "tvf", tmp_path / "first.tar"], capture_output=True, text=True, check=True).stdout
    assert "-rwxr-xr-x root/root" in listed
    assert "-rw-r--r-- root/root" in listed


def test_pip_is_told_the_hash_of_each_wheel_on_one_line(tmp_path: Path) -> None:
    # venv.sh takes the line of numpy out where it is apt's.
    (tmp_path / "some_thing-1.2-py3-none-any.whl").write_text("content")
    (line,) = release.pinned(tmp_path.glob("*.whl")).splitlines()
    assert line == f"some-thing==1.2 --hash=sha256:{release.sha256(tmp_path / 'some_thing-1.2-py3-none-any.whl')}"
