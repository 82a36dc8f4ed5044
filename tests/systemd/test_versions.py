"""The parts of install.sh that need no systemd: versions side by side, the broker's password, the configuration."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest

from edge import config
from edge.config import example

FOLDER = Path(__file__).parents[2] / "systemd"


def do(root: Path, command: str, said: str = "", unit: str = "emotion-edge.service") -> str:
    """Run functions of service.sh with a folder for the system."""
    settings = f"root={root} opt={root}/opt/emotion-edge config={root}/config.toml start=no source={FOLDER.parent}"
    settings = f"{settings} unit={unit}"
    result = subprocess.run(
        ["sh", "-eu", "-c", f'{settings}; say() {{ echo "$@"; }}; . {FOLDER}/service.sh; {command}'],
        input=said,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"]},
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


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


@pytest.mark.parametrize("source", ["a file", "-"])
def test_the_password_is_roots_alone_whatever_is_in_it(tmp_path: Path, source: str) -> None:
    secret = r"a 'b' \n $(touch sprung) ü"  # noqa: S105  # it guards nothing
    (tmp_path / "secret").write_text(f"{secret}\n")
    named = str(tmp_path / "secret") if source == "a file" else source
    said = do(tmp_path, f"save_password {named}", f"{secret}\n")
    saved = tmp_path / "etc/credstore/emotion-edge.mqtt-password"
    assert saved.read_text() == f"{secret}\n"
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600
    assert stat.S_IMODE(saved.parent.stat().st_mode) == 0o700
    assert secret not in said


def test_each_instance_has_a_password_of_its_own(tmp_path: Path) -> None:
    for unit in ("emotion-edge", "emotion-edge@front", "emotion-edge@back"):
        do(tmp_path, "save_password -", f"of {unit}\n", f"{unit}.service")
    store = tmp_path / "etc/credstore"
    assert {file.name: file.read_text() for file in store.iterdir()} == {
        "emotion-edge.mqtt-password": "of emotion-edge\n",
        "emotion-edge@front.mqtt-password": "of emotion-edge@front\n",
        "emotion-edge@back.mqtt-password": "of emotion-edge@back\n",
    }


def test_an_upgrade_copies_the_common_password_to_the_instances_that_use_it(tmp_path: Path) -> None:
    store, configs = tmp_path / "etc/credstore", tmp_path / "etc/emotion-edge"
    for folder in (store, configs):
        folder.mkdir(parents=True)
    do(tmp_path, "save_password -", "common\n")
    do(tmp_path, "save_password -", "own\n", "emotion-edge@back.service")
    for unit in ("emotion-edge", "emotion-edge@front", "emotion-edge@back"):
        line = f'password_file = "/run/credentials/{unit}.service/mqtt-password"\n'
        (configs / f"{unit.partition('@')[2] or 'config'}.toml").write_text(line)
    (configs / "side.toml").write_text('# password_file = "/run/credentials/emotion-edge@side.service/mqtt-password"\n')
    subprocess.run([FOLDER / "own-passwords.sh", tmp_path], check=True)
    found = {file.name.removesuffix(".mqtt-password"): file.read_text().strip() for file in store.iterdir()}
    assert found == {"emotion-edge": "common", "emotion-edge@front": "common", "emotion-edge@back": "own"}
    assert stat.S_IMODE((store / "emotion-edge@front.mqtt-password").stat().st_mode) == 0o600


def test_settings_are_written_where_they_are_still_the_examples(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(example())
    url, password = r"mqtt://me%40home&x@broker.home", "/run/credentials/emotion-edge.service/mqtt-password"
    do(tmp_path, f"set_key url '{url}'; set_key password_file {password}")
    settings = config.load(file, {}, {})
    assert (settings.mqtt.url, str(settings.mqtt.password_file)) == (url, password)
    assert do(tmp_path, f"set_key url '{url}'") == ""
    said = do(tmp_path, "set_key url mqtt://elsewhere")
    assert 'url stays as it is; write url = "mqtt://elsewhere" there' in said
    assert config.load(file, {}, {}).mqtt.url == url
