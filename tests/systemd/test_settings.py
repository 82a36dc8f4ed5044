"""What install.sh writes into the configuration: only what the daemon takes, and nothing over a value of the user."""

from __future__ import annotations

import re
import stat
from typing import TYPE_CHECKING

import pytest

from edge import config
from edge.config import example
from tests.systemd.service import FOLDER, do

if TYPE_CHECKING:
    from pathlib import Path

    from tests.systemd.checkout import Checkout


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


def test_a_stop_before_the_check_leaves_the_configuration_as_it_was(checkout: Checkout) -> None:
    """Else the right address, given afterwards, would find a value that is not the example's."""
    assert checkout.install("--no-start").returncode == 0
    before = checkout.text("etc/emotion-edge/config.toml")
    python = "#!/bin/sh\nkill -TERM $(cut -d' ' -f4 /proc/$PPID/stat)\n"
    venv = f'mkdir -p "$1/bin"; touch "$1/bin/emotion-edge"; cat >"$1/bin/python" <<"END"\n{python}END\n'
    checkout.program("requirements/venv.sh", f'{venv}chmod +x "$1/bin/python"')
    checkout.change("another version")
    stopped = checkout.install("--no-start", "--broker", "mqtt://wrong")
    assert 'url = "mqtt://wrong"' in stopped.stdout
    assert stopped.returncode == 1
    assert checkout.text("etc/emotion-edge/config.toml") == before
