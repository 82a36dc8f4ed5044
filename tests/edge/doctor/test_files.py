"""Can whoever runs the daemon read what the configuration names? With the service installed, that is its user."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from edge.config import (
    SYSTEM_FILE,
    CameraConfig,
    EmotionConfig,
    HookConfig,
    MqttConfig,
    OutboxConfig,
    PreviewConfig,
    Settings,
)
from edge.doctor import Reader, files
from edge.system import service
from tests.as_service import FILES, findings, run_installed
from tests.broker import Mosquitto, free_port

CREDENTIAL = "/run/credentials/emotion-edge.service/mqtt-password"
STORE = "/etc/credstore/emotion-edge.mqtt-password"

SERVICE = Reader("emotion-edge")

_SECRET_HOOK = ("[[hooks]]", 'on = "gone"', 'url = "http://home/api/webhook/hush"')


def with_password(file: Path | str) -> Settings:
    return Settings(mqtt=MqttConfig.model_validate({"url": "mqtt://me@localhost", "password_file": file}))


def test_without_the_service_its_own_user_must_be_able_to_read_them(tmp_path: Path) -> None:
    missing = files(with_password(tmp_path / "password"), None, Reader())
    assert missing.status == "broken"
    assert "password: No such file" in missing.found
    (tmp_path / "password").write_text("secret")
    there = files(with_password(tmp_path / "password"), None, Reader())
    assert there.status == "ok"
    assert "secret" not in there.found


def test_a_group_without_a_name_is_told_by_its_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a container a user may be a number that no list of users has."""
    monkeypatch.setattr(os, "geteuid", lambda: 54321)
    monkeypatch.setattr(os, "getegid", lambda: 54321)
    monkeypatch.setattr(os, "access", lambda *_, **__: False)
    (tmp_path / "password").touch()
    finding = files(with_password(tmp_path / "password"), None, Reader(None))
    assert f"sudo chgrp 54321 '{tmp_path}/password'" in (finding.fix or "")


def test_a_password_in_place_of_its_files_name_is_not_shown() -> None:
    finding = files(with_password("hunter2"), None, Reader())
    assert finding.status == "broken"
    assert "hunter2" not in finding.found + (finding.fix or "")


def test_the_previews_token_is_checked_if_it_is_asked_for() -> None:
    for enabled in (True, False):
        preview = PreviewConfig.model_validate({"enabled": enabled, "token_file": "correct-horse-battery"})
        finding = files(Settings(preview=preview), None, Reader())
        assert finding.status == ("broken" if enabled else "ok")
        assert ("preview.token_file: …: No such file" in finding.found) is enabled
        assert "correct-horse" not in finding.found + (finding.fix or "")


@pytest.mark.parametrize(("folder", "directive"), [("/home/me", "ProtectHome="), ("/tmp", "PrivateTmp=")])  # noqa: S108
def test_what_the_units_sandbox_hides_is_told(folder: str, directive: str) -> None:
    settings = Settings(
        camera=CameraConfig(source=f"{folder}/clip.mkv"),
        emotion=EmotionConfig.model_validate({"model": f"{folder}/mine.tflite"}),
        mqtt=MqttConfig.model_validate({"url": "mqtts://localhost", "ca_file": f"{folder}/ca.pem"}),
        outbox=OutboxConfig.model_validate({"path": f"{folder}/outbox"}),
    )
    finding = files(settings, None, SERVICE)
    assert finding.status == "broken"
    assert finding.found.count(directive) == 4  # the clip, the model, its card, the authority
    assert "the service may write below /var/lib/emotion-edge alone" in finding.found
    assert len(finding.found.splitlines()) == len((finding.fix or "").splitlines()) == 5


def test_a_link_into_a_hidden_folder_is_seen_through(tmp_path: Path) -> None:
    link = tmp_path / "ca.pem"
    link.symlink_to("/root/ca.pem")
    assert service.hidden_by(link) in {("/root", "ProtectHome="), ("/tmp", "PrivateTmp=")}  # noqa: S108
    elsewhere = Path("/proc/self/root/root/ca.pem")  # a link by the kernel
    assert service.hidden_by(elsewhere) == ("/root", "ProtectHome=")
    assert service.hidden_by(Path("/etc/emotion-edge/ca.pem")) is None
    (tmp_path / "round").symlink_to("round")
    assert service.hidden_by(tmp_path / "round") in {("/tmp", "PrivateTmp="), None}  # noqa: S108


def test_every_problem_of_every_file_is_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "_HIDDEN", {})
    own = {"ca_file": tmp_path / "ca.pem", "cert_file": tmp_path / "own.pem", "key_file": tmp_path / "own.key"}
    mqtt = MqttConfig.model_validate({"url": "mqtts://localhost", **own})
    finding = files(Settings(mqtt=mqtt), tmp_path / "config.toml", SERVICE)
    assert [line.partition(":")[0] for line in finding.found.splitlines()] == [
        "configuration", "mqtt.ca_file", "mqtt.cert_file", "mqtt.key_file",
    ]  # fmt: skip


@pytest.mark.parametrize(("name", "unit"), [("config.toml", "emotion-edge"), ("front.toml", "emotion-edge@front")])
def test_an_instance_of_the_service_has_a_password_file_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, unit: str
) -> None:
    monkeypatch.setattr(service, "_HIDDEN", {})
    monkeypatch.setattr("os.access", lambda file, _: str(file) != str(tmp_path / "password"))
    (tmp_path / "password").touch(0o600)
    finding = files(with_password(tmp_path / "password"), SYSTEM_FILE.with_name(name), SERVICE)
    assert f"/etc/credstore/{unit}.mqtt-password " in (finding.fix or "")
    assert f'password_file = "/run/credentials/{unit}.service/mqtt-password"' in (finding.fix or "")


def test_the_password_of_an_instance_comes_from_a_file_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "CREDENTIAL_STORE", tmp_path)
    (tmp_path / "emotion-edge.mqtt-password").write_text("common\n")
    (tmp_path / "emotion-edge@front.mqtt-password").write_text("its own\n")
    assert service.password_from_systemd(service.password_file(None)) == "common"
    assert service.password_from_systemd(service.password_file("front")) == "its own"
    assert service.password_from_systemd(service.password_file("back")) is None


def _configuration(*lines: str) -> str:
    return "\n".join(["cat >config.toml <<'END'", "[mqtt]", *lines, "END"])


def test_a_password_that_only_root_can_read_is_told_with_the_documented_way() -> None:
    url = f'url = "mqtt://kitchen@127.0.0.1:{free_port()}"'
    prepare = f"""
        echo hush >password && chmod 0600 password && echo >ca.pem && chmod 0640 ca.pem
        {_configuration(url, f'password_file = "{FILES}/password"')}
    """
    ran = run_installed(prepare, "doctor", "--json", "--config", f"{FILES}/config.toml")
    assert ran.returncode == 1
    found = findings(ran)["files"]
    assert found["status"] == "broken"
    assert found["found"] == (
        f"mqtt.password_file: {FILES}/password: it belongs to root (mode 0600), and the service's user emotion-edge "
        "cannot read"
    )
    assert (
        found["fix"]
        == f"sudo install -D -m 0600 '{FILES}/password' {STORE}  # and write password_file = \"{CREDENTIAL}\""
    )
    checked = run_installed(prepare, "config", "check", "--config", f"{FILES}/config.toml")
    assert (checked.returncode, checked.stdout) == (2, "")  # as the service would end
    assert "emotion-edge: warning: mqtt.password_file" in checked.stderr
    assert f"emotion-edge: mqtt.password_file: {FILES}/password: Permission denied" in checked.stderr


def test_the_password_that_systemd_hands_on_is_tried_although_the_service_does_not_run(tmp_path: Path) -> None:
    with Mosquitto(tmp_path, users={"kitchen": "hush"}) as broker:
        prepare = f"""
            echo hush >{STORE} && chmod 0600 {STORE}
            {_configuration(f'url = "mqtt://kitchen@127.0.0.1:{broker.port}"', f'password_file = "{CREDENTIAL}"')}
        """
        found = findings(run_installed(prepare, "doctor", "--json", "--config", f"{FILES}/config.toml"))
        checked = run_installed(prepare, "config", "check", "--config", f"{FILES}/config.toml")
        absent = findings(
            run_installed(f"{prepare}\nrm {STORE}", "doctor", "--json", "--config", f"{FILES}/config.toml")
        )
    assert (found["files"]["status"], found["broker"]["status"]) == ("ok", "ok"), found
    assert "can be read by emotion-edge" in found["files"]["found"]
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, f"{FILES}/config.toml: fine\n", "")
    assert (absent["files"]["status"], absent["broker"]["status"]) == ("broken", "warning")
    assert STORE in absent["files"]["fix"]


def test_a_configuration_that_the_service_cannot_read_is_told() -> None:
    ran = run_installed(
        _configuration('url = "none"') + "\nchmod 0600 config.toml",
        "doctor",
        "--json",
        "--config",
        f"{FILES}/config.toml",
    )
    assert "config.toml: it belongs to root (mode 0600)" in findings(ran)["files"]["found"]


def test_a_machine_without_the_service_has_no_user_of_it(tmp_path: Path) -> None:
    assert service.installed_user([tmp_path / "emotion-edge.service"]) is None


def test_a_hook_whose_program_cannot_be_started_is_told(tmp_path: Path) -> None:
    script = tmp_path / "led.py"
    script.write_text("#!/bin/sh\n")

    def told(*command: str, reader: Reader) -> tuple[str, str]:
        hooks = (HookConfig(on="gone", url="http://x/y"), HookConfig(on="gone", command=command))
        finding = files(Settings(hooks=hooks), None, reader)
        return finding.status, finding.found

    assert told("true", str(tmp_path / "what it makes of this is its own"), reader=Reader())[0] == "ok"
    missing = "hook 2: no-such-program: there is no such program that this user may start"
    assert told("no-such-program", reader=Reader()) == ("broken", missing)
    assert told(str(script), reader=Reader())[0] == "broken"
    script.chmod(0o755)
    assert told(str(script), reader=Reader())[0] == "ok"
    hidden = "hook 2: /home/me/led.py: the service does not see /home (ProtectHome= in its unit)"
    assert told("python3", "/home/me/led.py", reader=SERVICE) == ("broken", hidden)


def test_a_hook_may_write_to_the_services_own_tmp() -> None:
    def told(*command: str) -> tuple[str, str]:
        finding = files(Settings(hooks=(HookConfig(on="gone", command=command),)), None, SERVICE)
        return finding.status, finding.found

    with tempfile.TemporaryDirectory(dir="/tmp") as folder:  # which the unit hides
        file = Path(folder) / "led.sh"
        assert told("tee", str(file))[0] == "ok"
        file.touch(0o755)
        unseen = f"hook 1: {file}: the service does not see this file: its /tmp is its own (PrivateTmp= in its unit)"
        assert told("sh", str(file)) == ("warning", unseen)
        hidden = f"hook 1: {file}: the service does not see /tmp (PrivateTmp= in its unit)"
        assert told(str(file)) == ("broken", hidden)


@pytest.mark.parametrize(
    ("camera", "hook", "warned"),
    [
        ("rtsp://me:hush@10.0.0.9/stream", None, True),
        ("testcard", "http://home/api/webhook/hush", True),
        ("/dev/video0", "http://home/", False),
        ("auto", None, False),
    ],
)
def test_a_configuration_with_a_secret_that_everyone_can_read_is_told(
    camera: str, hook: str | None, *, warned: bool
) -> None:
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:  # pytest's own are closed to others
        Path(folder).chmod(0o755)
        file = Path(folder) / "config.toml"
        file.touch(0o644)
        hooks = (HookConfig(on="gone", url=hook),) if hook else ()
        settings = Settings(camera=CameraConfig(source=camera), hooks=hooks)
        finding = files(settings, file, Reader())
        assert finding.status == ("warning" if warned else "ok")
        assert ("everyone on this machine can read it" in finding.found) is warned
        assert "hush" not in finding.found
        assert finding.fix == (f"chmod o-r '{file}'" if warned else None)
        for opened, mode in ((file, 0o640), (Path(folder), 0o700)):
            opened.chmod(mode)
            assert files(settings, file, Reader()).status == "ok"
            opened.chmod(0o755)
            file.chmod(0o644)


def test_the_services_configuration_with_a_secret_is_for_its_group() -> None:
    secret = "\n".join(["cat >/etc/emotion-edge/config.toml <<'END'", *_SECRET_HOOK, "END"])
    told = findings(run_installed(f"mkdir -p /etc/emotion-edge\n{secret}", "doctor", "--json"))["files"]
    file = "/etc/emotion-edge/config.toml"
    assert told["fix"] == f"sudo chgrp emotion-edge '{file}' && sudo chmod 0640 '{file}'"
    mended = findings(
        run_installed(f"mkdir -p /etc/emotion-edge\n{secret}\n{told['fix'].replace('sudo ', '')}", "doctor", "--json")
    )
    assert mended["files"]["status"] == "ok"
    assert mended["configuration"]["status"] == "ok"
