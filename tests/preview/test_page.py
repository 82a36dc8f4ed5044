"""The page in a real browser: what it shows, what it asks for, and what it does when something goes wrong.

Screenshots are written into the folder that the variable SHOTS names, if it is set; look at them.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from edge.config import CameraConfig, MqttConfig, PreviewConfig, Settings
from edge.preview.feed import MOST_VIEWERS
from tests.broker import free_port, wait_until
from tests.edge.preview.viewer import Viewer
from tests.in_process import daemon
from tests.preview.browser import Browser

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN = "the-owner-s-own-token"  # noqa: S105  # of a test

LIVE = "!document.getElementById('live').hidden"
FACE = "document.querySelectorAll('.face').length === 1"
MEAN = """(() => {
    const canvas = document.getElementById('picture');
    const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    let sum = 0;
    for (let index = 0; index < data.length; index += 4) sum += data[index];
    return 4 * sum / data.length;
})()"""
"""Mean level of the picture that is shown."""

WINDOWS = {
    "phone-light": {"width": 390, "height": 844, "phone": True},
    "phone-dark": {"width": 390, "height": 844, "phone": True, "dark": True},
    "desktop-light": {"width": 1280, "height": 800},
    "desktop-dark": {"width": 1280, "height": 800, "dark": True},
}


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    with Browser(tmp_path / "profile") as it:
        yield it


def settings(port: int, **preview: object) -> Settings:
    return Settings(
        camera=CameraConfig(source="testcard"),
        mqtt=MqttConfig(url="none", device="kitchen"),
        preview=PreviewConfig.model_validate({"enabled": True, "address": port, **preview}),
    )


@pytest.mark.parametrize("name", WINDOWS)
def test_the_page_shows_the_test_card_s_face_and_asks_for_nothing_from_elsewhere(browser: Browser, name: str) -> None:
    port = free_port()
    window = WINDOWS[name]
    with daemon(settings(port)):
        browser.look(**window)  # type: ignore[arg-type]  # the keywords are its own
        browser.open(f"http://127.0.0.1:{port}/")
        browser.wait(f"{LIVE} && {FACE} && document.querySelectorAll('#stages tr').length === 5")
        browser.listen(2.5)
        assert browser.evaluate(MEAN) > 40
        assert browser.evaluate("document.title") == "kitchen: emotion-edge preview"
        assert "test card, a synthetic person" in browser.evaluate("document.getElementById('camera').textContent")
        assert browser.evaluate("document.getElementById('closes').textContent").startswith("closes in 9:")
        # Nothing is cut off at the side, and the bars are as long as they should be.
        assert browser.evaluate("document.documentElement.scrollWidth") <= int(window["width"])
        bars = browser.evaluate(
            "[...document.querySelectorAll('.face .fill')].map(each => parseFloat(each.style.width))"
        )
        assert len(bars) == 8
        assert sum(bars) == pytest.approx(100, abs=2)
        paper = browser.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (paper == "rgb(255, 255, 255)") is not window.get("dark", False)
        if folder := os.environ.get("SHOTS"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            browser.screenshot(Path(folder) / f"{name}.png", whole=True)
    asked = [urlsplit(request) for request in browser.requests]
    # data: loads nothing; the browser draws a phone's finger with it.
    assert {address.netloc for address in asked if address.scheme != "data"} == {f"127.0.0.1:{port}"}
    assert {address.path for address in asked} >= {"/", "/page.js", "/page.css", "/stream"}
    assert [each for each in browser.complaints if "ERR_" not in each] == []  # a stop ends the stream


def test_the_token_is_asked_for_and_kept_out_of_the_address(browser: Browser, tmp_path: Path) -> None:
    file, port = tmp_path / "token", free_port()
    file.write_text(TOKEN)
    browser.look(width=390, height=844, phone=True)
    with daemon(settings(port, token_file=file)):
        browser.open(f"http://127.0.0.1:{port}/")
        browser.wait("!document.getElementById('ask').hidden")

        def enter(token: str) -> None:
            browser.evaluate(f"document.getElementById('token').value = '{token}'")
            browser.evaluate("document.querySelector('#ask button').click()")

        for wrong in ("wrong-wrong-wrong", "no header takes …"):
            browser.evaluate("document.getElementById('wrong').textContent = ''")
            enter(wrong)
            browser.wait("document.getElementById('wrong').textContent === \"This is not the preview's token.\"")
        enter(TOKEN)
        browser.wait(f"{LIVE} && {FACE}")
        browser.open(f"http://127.0.0.1:{port}/icon.svg")
        browser.evaluate("sessionStorage.clear()")
        browser.open(f"http://127.0.0.1:{port}/#{TOKEN}")  # as a bookmark
        browser.wait(f"{LIVE} && {FACE}")
        assert browser.evaluate("location.href") == f"http://127.0.0.1:{port}/"
    assert all(TOKEN not in request for request in browser.requests)


def test_a_link_may_bring_a_token_that_is_not_encoded(browser: Browser, tmp_path: Path) -> None:
    file, port = tmp_path / "token", free_port()
    file.write_text("100%-is-no-encoding")
    browser.look(width=390, height=844, phone=True)
    with daemon(settings(port, token_file=file)):
        browser.open(f"http://127.0.0.1:{port}/#100%-is-no-encoding")
        browser.wait(f"{LIVE} && {FACE}")


def test_a_hidden_tab_asks_for_nothing(browser: Browser) -> None:
    port = free_port()
    browser.look(width=800, height=600)
    with daemon(settings(port)), ExitStack() as others:
        browser.open(f"http://127.0.0.1:{port}/")
        browser.wait(f"{LIVE} && {FACE}")
        browser.evaluate(
            "Object.defineProperty(document, 'hidden', {value: true});"
            "document.dispatchEvent(new Event('visibilitychange'))"
        )
        for _ in range(MOST_VIEWERS):  # who still looked would take one of their places

            def place_is_free() -> bool:
                viewer = others.enter_context(Viewer(port))
                return viewer.answer.status == 200

            wait_until(place_is_free)


def test_a_preview_that_closes_by_itself_says_so_and_shows_no_picture(browser: Browser) -> None:
    port = free_port()
    browser.look(width=800, height=600)
    with daemon(settings(port, minutes=0.1)):
        browser.open(f"http://127.0.0.1:{port}/")
        browser.wait(f"{LIVE} && {FACE}")
        browser.wait("document.getElementById('why').textContent.startsWith('The preview has closed by itself')")
        assert browser.evaluate("document.getElementById('live').hidden")


def test_a_daemon_that_comes_back_is_found_again(browser: Browser) -> None:
    port = free_port()
    browser.look(width=800, height=600)
    with daemon(settings(port)):
        browser.open(f"http://127.0.0.1:{port}/")
        browser.wait(f"{LIVE} && {FACE}")
    browser.wait("document.getElementById('why').textContent.includes('Trying again')")
    with daemon(settings(port)):
        browser.wait(f"{LIVE} && {FACE}")
