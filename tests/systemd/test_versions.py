"""Versions side by side: a switch is one step, and what it breaks off leaves the version before."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.systemd.service import FOLDER, do

if TYPE_CHECKING:
    from tests.systemd.checkout import Checkout

LINKS = ("current", "previous")


@pytest.fixture
def versions(tmp_path: Path) -> Path:
    for name in ("0.1.0-aaaaaaaa", "0.1.0-bbbbbbbb", "0.1.0-cccccccc"):
        (tmp_path / "opt/emotion-edge" / name).mkdir(parents=True)
    return tmp_path / "opt/emotion-edge"


def test_a_switch_is_one_step_and_the_version_before_is_kept(tmp_path: Path, versions: Path) -> None:
    do(tmp_path, "point current 0.1.0-bbbbbbbb; point previous 0.1.0-aaaaaaaa")
    do(tmp_path, "point previous 0.1.0-bbbbbbbb; point current 0.1.0-cccccccc; prune")
    assert (versions / "current").readlink() == Path("0.1.0-cccccccc")
    assert sorted(path.name for path in versions.iterdir()) == [
        "0.1.0-bbbbbbbb",
        "0.1.0-cccccccc",
        "current",
        "previous",
    ]


def test_an_upgrade_with_the_same_packages_links_to_their_files(tmp_path: Path) -> None:
    # What venv.sh leaves, without the time that pip takes.
    make = "python=/usr/bin/python3; facts=$(requirements/system.sh $python); folder=$opt/{}"
    if not Path("/usr/bin/python3").exists():
        pytest.skip("there is no /usr/bin/python3")
    old, new = (tmp_path / "opt/emotion-edge" / name for name in ("old", "new"))
    subprocess.run(["/usr/bin/python3", "-I", "-m", "venv", "--without-pip", old], check=True)
    (packages,) = old.glob("lib/python3.*/site-packages")
    (packages / "numpy.py").write_text("there = True\n")
    do(tmp_path, f"cd {FOLDER.parent}; {make.format('new')}; ! same_packages")  # it is not complete
    (old / ".complete").touch()
    do(tmp_path, f"cd {FOLDER.parent}; sha256sum <requirements/edge.txt >$opt/old/.edge.txt.sha256; point current old")
    do(tmp_path, f"cd {FOLDER.parent}; {make.format('new')}; same_packages")
    linked = new / packages.relative_to(old) / "numpy.py"
    assert linked.samefile(packages / "numpy.py")
    assert subprocess.run([new / "bin/python", "-c", "import numpy; assert numpy.there"], check=True).returncode == 0
    (old / ".edge.txt.sha256").write_text("another list\n")
    do(tmp_path, f"cd {FOLDER.parent}; {make.format('newer')}; ! same_packages")


def test_an_upgrade_takes_pylsl_along(tmp_path: Path) -> None:
    """The configuration that names it would be refused otherwise, and the upgrade with it."""
    old, new = (tmp_path / f"opt/emotion-edge/{name}/lib/python3.13/site-packages" for name in ("old", "new"))
    for part in ("pylsl/lib", "pylsl-1.18.6.dist-info", "numpy"):
        (old / part).mkdir(parents=True)
    (old / "pylsl/lib/liblsl.so").write_text("old")
    new.mkdir(parents=True)
    do(tmp_path, "point current old; folder=$opt/new; keep_pylsl")
    assert sorted(path.name for path in new.iterdir()) == ["pylsl", "pylsl-1.18.6.dist-info"]
    (new / "pylsl/lib/liblsl.so").write_text("new")
    do(tmp_path, "folder=$opt/new; keep_pylsl; point current new; keep_pylsl")
    assert (new / "pylsl/lib/liblsl.so").read_text() == "new"
    do(tmp_path, "rm $opt/current; folder=$opt/old; keep_pylsl")  # the first installation


def test_what_was_installed_is_on_the_disk_before_anything_restarts(switches: Checkout, tmp_path: Path) -> None:
    """A power cut soon after would leave empty units, which systemd takes for masked."""
    synced, opt = tmp_path / "synced", switches.root / "opt/emotion-edge"
    switches.program("bin/sync", f"{{ readlink {opt}/current; find {switches.root}/etc -size +0; }} >{synced} || true")
    switches.program("bin/systemctl", f'case "$*" in --version) echo systemd 252 ;; *enable*) rm -f {synced} ;; esac')
    said = switches.install("--password-file", "-", said="hush\n")
    assert said.returncode == 0, said.stderr
    there = {str(path) for path in (switches.root / "etc").rglob("emotion-edge*") if path.is_file()}
    assert len(there) == len(("sysusers.d", "tmpfiles.d", "unit", "unit of instances", "password"))
    assert there <= set(synced.read_text().splitlines())
    first = (opt / "current").readlink()
    switches.change("changed")
    assert switches.install().returncode == 0
    assert (opt / "current").readlink() != first
    assert switches.install("--rollback").returncode == 0
    assert synced.read_text().splitlines()[0] == str(first)


@pytest.mark.parametrize(
    ("name", "fails"),
    [
        ("sed", '[ "$1" != -f ]'),  # the unit of instances cannot be written
        ("mv", 'case "$*" in *@.service) rm fails ;; esac'),  # once, after other files have their names
        ("mv", 'case "$*" in *current) rm fails ;; esac'),
        ("systemctl", '[ "$1" != --version ] || echo systemd 252; case "$*" in *enable*) rm fails ;; esac; exit'),
    ],
)
def test_a_switch_that_fails_half_way_leaves_the_version_before_with_its_units(
    switches: Checkout, tmp_path: Path, *, name: str, fails: str
) -> None:
    folder, units = switches.root / "opt/emotion-edge", switches.root / "etc/systemd/system"
    for text in ("first", "second"):
        switches.change(text)
        assert switches.install().returncode == 0

    def state() -> list[str]:
        units_text = [f"{path.name} {path.read_text()}" for path in sorted(units.glob("*"))]
        return [*map(str, sorted(folder.iterdir())), *(str((folder / link).readlink()) for link in LINKS), *units_text]

    before = state()
    (tmp_path / "fails").touch()
    script = fails.replace("rm fails", f"rm {tmp_path}/fails 2>/dev/null && exit 1 || true")
    switches.program(f"bin/{name}", f'{script}\nexec /bin/{name} "$@"')
    switches.change("third")
    failed = switches.install()
    assert failed.returncode == 1
    assert f"{(folder / 'current').readlink()} stays" in failed.stderr
    assert state() == before


@pytest.mark.parametrize("command", ["upgrade", "rollback"])
def test_a_power_cut_between_the_two_links_loses_no_version_that_ran(
    switches: Checkout, tmp_path: Path, command: str
) -> None:
    good = []
    for text in ("first", "second"):
        switches.change(text)
        assert switches.install().returncode == 0
        good.append((switches.root / "opt/emotion-edge/current").readlink())
    if command == "upgrade":
        switches.change("third")
    cut = f'/bin/mv "$@"\ncase "$*" in -T*) rm {tmp_path}/cut 2>/dev/null && kill -KILL $PPID || true ;; esac'
    switches.program("bin/mv", cut)
    (tmp_path / "cut").touch()
    assert switches.install(*["--rollback"] * (command == "rollback")).returncode < 0
    assert switches.install().returncode == 0
    assert (switches.root / "opt/emotion-edge" / good[command == "upgrade"]).exists()


@pytest.mark.parametrize("end", ["exit 3", "kill -TERM $PPID"])
def test_an_installation_that_fails_or_is_stopped_leaves_no_half_of_a_version(switches: Checkout, end: str) -> None:
    """It would fill the disk, on which the service that runs writes."""
    switches.program("requirements/venv.sh", f'mkdir -p "$1"; echo half >"$1/half"; {end}')
    stopped = switches.install()
    assert stopped.returncode == (3 if end == "exit 3" else 1)
    assert [path.name for path in (switches.root / "opt/emotion-edge").iterdir()] == [".made-folders"]
