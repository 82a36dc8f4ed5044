"""Pictures of the device in the real Home Assistant: ``python -m tests.homeassistant.shots HASS FOLDER``.

A Home Assistant of its own, without an account anywhere, is set up as a person would in the browser: a first user, then
the MQTT integration. The real daemon shows it the test card, and a headless Chromium takes the pictures. What
Home Assistant's front end asks of other servers does not leave this machine.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from websockets.sync.client import connect

from tests.broker import HOST, Mosquitto, Subscriber, free_port, wait_until
from tests.preview.browser import Browser

_DEVICE = "kitchen"
_PATIENCE_S = 300.0
_SETTLED_S = 2.0
"""For what moves into its place."""

# The front end consists of elements within elements' shadow roots, which no selector looks into.
_ALL = """
const all = (root) => [...root.querySelectorAll('*')].flatMap((one) =>
    one.shadowRoot ? [one, ...all(one.shadowRoot)] : [one]);
"""
_SHOWN = (
    "(() => {{" + _ALL.replace("{", "{{").replace("}", "}}") + " return all(document).some((one) => "
    "(one.shadowRoot ?? one).textContent.includes('{}')); }})()"
)
_DO = "(() => {" + _ALL + " %s; })()"
_NEW_AUTOMATION = _DO % (
    "all(document).find((one) => one.localName === 'ha-icon-button' && /automation/i.test(one.label ?? '')).click()"
)
_USE_AS_TRIGGER = _DO % (
    "all(document).find((one) => /list-item/.test(one.localName) && /Use device as trigger/.test(one.textContent))"
    ".click()"
)
_OPEN_TRIGGERS = _DO % (
    "all(all(document).find((one) => one.localName === 'ha-device-trigger-picker').shadowRoot)"
    ".find((one) => one.localName === 'ha-select').menuOpen = true"
)

_CONFIGURATION = """\
homeassistant:
  name: Home
  time_zone: UTC
  unit_system: metric
  allowlist_external_dirs: []
frontend:
history:
logbook:
automation:
http:
  server_host: {host}
  server_port: {port}
"""


class House:
    """A Home Assistant that runs, and its first user's tokens."""

    def __init__(self, program: str, folder: Path, cleanup: contextlib.ExitStack) -> None:
        port = free_port()
        self.address = f"http://{HOST}:{port}"
        self.tokens: dict[str, Any] = {}
        (folder / "configuration.yaml").write_text(_CONFIGURATION.format(host=HOST, port=port), encoding="utf-8")
        output = cleanup.enter_context((folder / "output").open("wb"))
        command = [program, "--config", str(folder), "--skip-pip", "--log-file", str(folder / "log")]
        process = subprocess.Popen(command, stdout=output, stderr=output)
        cleanup.callback(process.wait, 60)
        cleanup.callback(process.terminate)
        wait_until(lambda: process.poll() is not None or self._answers(), _PATIENCE_S)

    def onboard(self) -> None:
        """Make the first user and skip what else is asked at the beginning."""
        person = {"name": "Owner", "username": "owner", "password": os.urandom(16).hex(), "language": "en"}
        code = self.ask("/api/onboarding/users", {**person, "client_id": f"{self.address}/"})["auth_code"]
        form = {"grant_type": "authorization_code", "code": code, "client_id": f"{self.address}/"}
        self.tokens = self._send("/auth/token", urllib.parse.urlencode(form).encode(), {})
        for step in ("core_config", "analytics"):
            self.ask(f"/api/onboarding/{step}", {})
        self.ask(
            "/api/onboarding/integration", {"client_id": f"{self.address}/", "redirect_uri": f"{self.address}/?auth=1"}
        )

    def add_mqtt(self, port: int) -> None:
        """Add the MQTT integration with a broker on this machine."""
        flow = self.ask("/api/config/config_entries/flow", {"handler": "mqtt", "show_advanced_options": False})
        result = self.ask(f"/api/config/config_entries/flow/{flow['flow_id']}", {"broker": HOST, "port": port})
        if result["type"] != "create_entry":
            message = f"Home Assistant does not take the broker: {result}"
            raise RuntimeError(message)

    def device(self) -> str:
        """Return the device's id, once it is there."""
        found: list[str] = []

        def look() -> bool:
            found.extend(each["id"] for each in self._devices() if each["name"] == _DEVICE)
            return bool(found)

        wait_until(look, _PATIENCE_S)
        return found[0]

    def ask(self, path: str, content: object) -> Any:
        """Post JSON and return the answer's."""
        headers = {"Content-Type": "application/json"}
        if self.tokens:
            headers["Authorization"] = f"Bearer {self.tokens['access_token']}"
        return self._send(path, json.dumps(content).encode(), headers)

    def _devices(self) -> Any:
        with connect(f"{self.address.replace('http', 'ws')}/api/websocket", max_size=None) as socket:
            socket.recv()
            socket.send(json.dumps({"type": "auth", "access_token": self.tokens["access_token"]}))
            socket.recv()
            socket.send(json.dumps({"id": 1, "type": "config/device_registry/list"}))
            return json.loads(socket.recv())["result"]

    def _send(self, path: str, body: bytes, headers: dict[str, str]) -> Any:
        request = urllib.request.Request(self.address + path, body, headers)  # noqa: S310  # an address of our own
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            return json.load(answer)

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{self.address}/manifest.json", timeout=5):  # noqa: S310
            return True
        return False


def main(program: str, pictures: Path) -> None:
    """Take them."""
    with contextlib.ExitStack() as cleanup:
        folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="house-", ignore_cleanup_errors=True)))
        for name in ("broker", "house", "state", "profile"):
            (folder / name).mkdir()
        broker = cleanup.enter_context(Mosquitto(folder / "broker"))
        subscriber = cleanup.enter_context(contextlib.closing(Subscriber(broker.port)))
        house = House(program, folder / "house", cleanup)
        house.onboard()
        house.add_mqtt(broker.port)
        environment = {
            **os.environ,
            "STATE_DIRECTORY": str(folder / "state"),
            "RUNTIME_DIRECTORY": str(folder / "state"),
            "EMOTION_EDGE_MQTT__DEVICE": _DEVICE,
        }
        command = [sys.executable, "-c", "from edge.cli.main import main; main()", "run", "--camera", "testcard"]
        daemon = subprocess.Popen([*command, "--broker", broker.url], env=environment, stderr=subprocess.DEVNULL)
        cleanup.callback(daemon.wait, 30)
        cleanup.callback(daemon.terminate)
        device = house.device()
        wait_until(lambda: len(subscriber.payloads(f"emotion-edge/{_DEVICE}/event")) > 3, _PATIENCE_S)
        browser = cleanup.enter_context(Browser(folder / "profile"))
        browser.look(width=1100, height=1000)
        browser.open(f"{house.address}/manifest.json")  # a page of the same address, to leave the tokens with
        tokens = {
            **house.tokens,
            "hassUrl": house.address,
            "clientId": f"{house.address}/",
            "expires": 1000 * (time.time() + house.tokens["expires_in"]),
        }
        browser.wait("document.readyState === 'complete'")
        browser.evaluate(f"localStorage.setItem('hassTokens', {json.dumps(json.dumps(tokens))})")
        browser.open(f"{house.address}/config/devices/device/{device}")
        browser.wait(_SHOWN.format("detected an event"))
        browser.listen(_SETTLED_S)
        browser.screenshot(pictures / "home-assistant-device.png")
        browser.evaluate(_NEW_AUTOMATION)
        browser.wait(_SHOWN.format("Use device as trigger"))
        browser.evaluate(_USE_AS_TRIGGER)
        browser.wait(_SHOWN.format("begins to smile"))
        browser.evaluate(_OPEN_TRIGGERS)
        browser.listen(_SETTLED_S)
        browser.screenshot(pictures / "home-assistant-triggers.png")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
