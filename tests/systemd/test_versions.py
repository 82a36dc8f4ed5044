"""The parts of install.sh that need no systemd: versions side by side, the broker's password, the configuration."""

from __future__ import annotations

import os
import pty
import re
import signal
import stat
import subprocess
import termios
from pathlib import Path

import pytest

from edge import config
from edge.config import example
from tests.broker import wait_until
from tests.systemd.checkout import Checkout

FOLDER = Path(__file__).parents[2] / "systemd"
LINKS = ("current", "previous")


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


@pytest.mark.parametrize("source", ["a file", "-"])
def test_the_password_is_roots_alone_whatever_is_in_it(tmp_path: Path, source: str) -> None:
    secret = r"a 'b' \n $(touch sprung) ü"  # noqa: S105  # it guards nothing
    (tmp_path / "secret").write_text(f"{secret}\n")
    named = str(tmp_path / "secret") if source == "a file" else source
    said = do(tmp_path, f"read_password {named}; save_password", f"{secret}\n")
    saved = tmp_path / "etc/credstore/emotion-edge.mqtt-password"
    assert saved.read_text() == f"{secret}\n"
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600
    assert stat.S_IMODE(saved.parent.stat().st_mode) == 0o700
    assert secret not in said


def test_who_gives_up_at_the_password_keeps_a_terminal_that_shows_what_is_typed() -> None:
    ours, theirs = pty.openpty()

    def shows() -> bool:
        return bool(termios.tcgetattr(theirs)[3] & termios.ECHO)

    command = ["sh", "-eu", "-c", f'. {FOLDER}/service.sh; read_password -; echo "$secret"']
    with subprocess.Popen(command, stdin=theirs, stderr=theirs, stdout=subprocess.PIPE, start_new_session=True) as one:
        wait_until(lambda: not shows())
        os.killpg(one.pid, signal.SIGTERM)
        assert one.wait(10) != 0
    wait_until(shows)
    with subprocess.Popen(command, stdin=theirs, stderr=theirs, stdout=subprocess.PIPE, start_new_session=True) as one:
        wait_until(lambda: not shows())
        os.write(ours, b"a secret\n")
        assert one.communicate(timeout=10)[0] == b"a secret\n"
    assert shows()
    assert b"a secret" not in os.read(ours, 1000)
    os.close(ours)
    os.close(theirs)


def test_each_instance_has_a_password_of_its_own(tmp_path: Path) -> None:
    for unit in ("emotion-edge", "emotion-edge@front", "emotion-edge@back"):
        do(tmp_path, "read_password -; save_password", f"of {unit}\n", f"{unit}.service")
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
    do(tmp_path, "read_password -; save_password", "common\n")
    do(tmp_path, "read_password -; save_password", "own\n", "emotion-edge@back.service")
    for unit in ("emotion-edge", "emotion-edge@front", "emotion-edge@back"):
        line = f'password_file = "/run/credentials/{unit}.service/mqtt-password"\n'
        (configs / f"{unit.partition('@')[2] or 'config'}.toml").write_text(line)
    (configs / "side.toml").write_text('# password_file = "/run/credentials/emotion-edge@side.service/mqtt-password"\n')
    (store / "emotion-edge@front.mqtt-password").touch()  # as a power cut left it
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


@pytest.mark.parametrize("own", ['url = "mqtt://mine"', "  url='mqtt://mine'"])
def test_a_value_of_the_users_stays_beside_the_line_of_the_example(tmp_path: Path, own: str) -> None:
    file = tmp_path / "config.toml"
    file.write_text(f'[mqtt]\n# url = "mqtt://else"\n{own}\n')
    said = do(tmp_path, "set_key url mqtt://else")
    assert 'url stays as it is; write url = "mqtt://else" there' in said
    assert config.load(file, {}, {}).mqtt.url == "mqtt://mine"


def test_of_two_lines_of_the_example_one_is_set(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[mqtt]\n# url = "mqtt://a"\n# url = "mqtt://b"\n[[hooks]]\n# url = "http://c"\n')
    do(tmp_path, "set_key url mqtt://home")
    assert file.read_text() == '[mqtt]\nurl = "mqtt://home"\n# url = "mqtt://b"\n[[hooks]]\n# url = "http://c"\n'


def test_a_configuration_that_is_a_link_stays_one(tmp_path: Path) -> None:
    file = tmp_path / "kept/mine.toml"
    file.parent.mkdir()
    file.write_text(example())
    (tmp_path / "config.toml").symlink_to(file)
    do(tmp_path, "set_key url mqtt://home")
    assert (tmp_path / "config.toml").readlink() == file
    assert config.load(file, {}, {}).mqtt.url == "mqtt://home"


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    if not Path("/usr/bin/python3").exists():
        pytest.skip("there is no /usr/bin/python3")
    return Checkout(tmp_path)


@pytest.mark.parametrize("name", ["config", "detection", "models", "a.b"])
def test_a_name_that_the_service_uses_itself_is_no_instances(checkout: Checkout, name: str) -> None:
    refused = checkout.install("--instance", name)
    expected = f"--instance {name}: a name of letters, digits, - and _, but not config, detection or models"
    assert (refused.returncode, refused.stderr) == (1, f"install.sh: {expected}\n")
    assert not list(checkout.root.iterdir())


def test_no_other_file_of_the_services_state_has_a_name_that_an_instance_could_have() -> None:
    text = "\n".join(path.read_text("utf-8") for path in (FOLDER.parent / "edge").rglob("*.py"))
    names = set(re.findall(r'^_?FILE = "(.+)"$|\bstate / "(.+?)"', text, re.MULTILINE))
    assert {name for pair in names for name in pair if name and "." not in name} == {"detection", "models"}


def test_what_does_not_pass_the_check_is_not_kept(checkout: Checkout) -> None:
    """A mistake in the command would stay in the configuration, where the right command no longer changes it."""
    config = checkout.root / "etc/emotion-edge/config.toml"
    config.parent.mkdir(parents=True)
    config.write_text(example())
    config.chmod(0o640)
    wrong = checkout.install("--broker", "mqtt://kitchen@home:18833x", "--password-file", "-", said="hush\n")
    assert wrong.returncode == 1
    assert f"{config}: mqtt.url: 'mqtt://…': the port is not a number" in wrong.stderr
    assert f"correct it, and try again; {config} is as it was" in wrong.stderr
    assert (config.read_text(), stat.S_IMODE(config.stat().st_mode)) == (example(), 0o640)
    assert not (checkout.root / "etc/credstore").exists()


def test_what_passes_is_kept(checkout: Checkout) -> None:
    config = checkout.root / "etc/emotion-edge/config.toml"
    right = checkout.install("--broker", "mqtt://kitchen@home:1883", "--password-file", "-", said="hush\n")
    assert right.returncode == 0, right.stderr
    assert 'url = "mqtt://kitchen@home:1883"' in config.read_text()
    assert checkout.text("etc/credstore/emotion-edge.mqtt-password") == "hush\n"


def test_a_first_installation_that_does_not_pass_the_check_leaves_no_configuration(checkout: Checkout) -> None:
    assert checkout.install("--broker", "mqtt://home:18833x").returncode == 1
    assert not list((checkout.root / "etc/emotion-edge").iterdir())


def test_a_password_without_a_user_which_the_daemon_refuses_does_not_pass(checkout: Checkout) -> None:
    refused = checkout.install("--broker", "mqtt://home", "--password-file", "-", said="hush\n")
    assert refused.returncode == 1
    assert "password_file needs a user in the address: mqtt://user@host" in refused.stderr
    assert not (checkout.root / "etc/credstore").exists()


def test_an_empty_password_changes_nothing(checkout: Checkout) -> None:
    refused = checkout.install("--broker", "mqtt://kitchen@home", "--password-file", "-", said="\n")
    assert (refused.returncode, refused.stderr) == (1, "install.sh: the password is empty\n")
    assert not list((checkout.root / "etc/emotion-edge").iterdir())


@pytest.fixture
def switches(checkout: Checkout) -> Checkout:
    """A checkout whose command takes every configuration, in no time."""
    made = 'mkdir -p "$1/bin"; touch "$1/bin/emotion-edge"; echo "#!/bin/sh" >"$1/bin/python"; chmod +x "$1/bin/python"'
    checkout.program("requirements/venv.sh", made)
    return checkout


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


def test_the_copy_of_a_password_is_on_the_disk_before_it_has_its_name(tmp_path: Path) -> None:
    store, configs, programs = tmp_path / "etc/credstore", tmp_path / "etc/emotion-edge", tmp_path / "bin"
    for folder in (store, configs, programs):
        folder.mkdir(parents=True)
    (configs / "front.toml").write_text("password_file = '/run/credentials/emotion-edge@front.service/mqtt-password'\n")
    (store / "emotion-edge.mqtt-password").write_text("common\n")
    (programs / "sync").write_text(f'#!/bin/sh\ncat "$1" && ls {store} >{tmp_path}/synced\n')
    (programs / "sync").chmod(0o755)
    path = f"{programs}:{os.environ['PATH']}"
    copied = subprocess.run(
        [FOLDER / "own-passwords.sh", tmp_path], check=True, capture_output=True, env={"PATH": path}
    )
    assert copied.stdout == b"common\n"
    assert "emotion-edge@front.mqtt-password" not in (tmp_path / "synced").read_text().splitlines()
    assert (store / "emotion-edge@front.mqtt-password").read_text() == "common\n"


@pytest.mark.parametrize(
    ("name", "fails"),
    [
        ("sed", '[ "$1" != -f ]'),  # the unit of instances cannot be written
        ("mv", 'case "$*" in *@.service) rm fails ;; esac'),  # once, after other files have their names
        ("mv", 'case "$*" in *current) rm fails ;; esac'),
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
