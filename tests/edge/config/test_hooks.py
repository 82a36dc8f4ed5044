"""Hooks in the configuration: what is refused says where, which and what to write."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import pytest

from edge.config import HookConfig, Settings, load, show
from edge.config.hooks import MOST_HOOKS
from edge.daemon.reload import load_model
from edge.errors import ConfigError
from edge.inference.bundle import SHIPPED, read_files
from edge.inference.store import ModelStore

if TYPE_CHECKING:
    from pathlib import Path

BOTH = """
[[hooks]]
on = "changed"
emotion = "happy"
command = ["/usr/bin/python3", "/srv/led.py", "küche"]
[[hooks]]
on = "gone"
url = "http://home:8123/api/webhook/hunter2?x=hunter2"
timeout_s = 3
"""


def read(file: Path, text: str, environ: dict[str, str] | None = None) -> Settings:
    file.write_text(text)
    return load(file, environ or {}, {})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def test_hooks_are_read_and_shown_without_their_secrets(file: Path) -> None:
    settings = read(file, BOTH)
    led = HookConfig(on="changed", emotion="happy", command=("/usr/bin/python3", "/srv/led.py", "küche"))
    told = HookConfig(on="gone", url="http://home:8123/api/webhook/hunter2?x=hunter2", timeout_s=3)
    assert settings.hooks == (led, told)
    shown = show(settings)
    assert "hunter2" not in shown
    assert 'url = "http://home:8123/…"  # not shown in full' in shown
    assert HookConfig.model_validate(tomllib.loads(shown)["hooks"][0]) == led
    assert tomllib.loads(shown)["hooks"][1]["timeout_s"] == 3


@pytest.mark.parametrize(
    ("hook", "said"),
    [
        ("", "hook 1: on: is missing"),
        ("on = 'smile'\ncommand = ['x']", "hook 1: on: 'smile': must be 'appeared', 'changed' or 'gone'"),
        ("on = 'gone'", 'hook 1: say what to do: command = ["program", "argument"] or url = '),
        ("on = 'gone'\ncommand = ['x']\nurl = 'http://x'", "hook 1: command and url exclude each other"),
        ("on = 'gone'\ncommand = 'echo hi | cat'", "hook 1: command: 'echo hi | cat': write a list, the program and"),
        ("on = 'gone'\ncommand = []", "hook 1: command: a list: write a list, the program and each argument"),
        ("on = 'gone'\ncommand = ['']", "hook 1: command: a list: write a list, the program and each argument"),
        ("on = 'gone'\ncommand = ['x', 3]", "hook 1: command.1: 3: must be a text"),
        ("on = 'gone'\ncommand = ['./led.py']", "a path that begins with '/'"),
        ('on = "gone"\ncommand = ["x", "a\\u0000"]', "the character U+0000 is not allowed; put a longer program into"),
        ("on = 'gone'\ncomand = ['x']", "hook 1: comand: there is no such key; did you mean command?"),
        ("on = 'gone'\nurl = 'ftp://x'", "hook 1: url: 'ftp://x': not a web address; write http://host:port/path or"),
        ("on = 'gone'\nurl = 'http://x:99999/'", "not a web address"),
        ("on = 'gone'\nurl = 'http://[::1/'", "not a web address"),
        ("on = 'gone'\nurl = 'http://me:hush@x/'", "a user or a password does not belong into the address"),
        ("on = 'gone'\nurl = 'http://x/a b'", "percent-encode them: write %20 for a blank"),
        ("on = 'gone'\nurl = 'http://x'\ntimeout_s = 0", "hook 1: timeout_s: 0: must be greater than 0"),
    ],
)
def test_a_wrong_hook_is_refused_with_a_sentence(file: Path, hook: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(file, f"[[hooks]]\n{hook}\n")
    assert str(caught.value).startswith(f"{file}: hook 1: ")
    assert said in str(caught.value)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("text", ["[hooks]\non = 'gone'", "hooks = 3", "hooks = ['a']", "hooks = [['a']]"])
def test_a_hook_that_is_no_list_of_tables_is_refused(file: Path, text: str) -> None:
    with pytest.raises(ConfigError, match=r"hooks stand in the file alone, each below \[\[hooks\]\]"):
        read(file, text)


def test_there_are_none_in_the_environment(file: Path) -> None:
    with pytest.raises(ConfigError, match="environment: hooks: hooks stand in the file alone"):
        read(file, BOTH, {"EMOTION_EDGE_HOOKS__ON": "gone"})


def test_each_mistake_is_at_its_hook_and_there_may_be_only_so_many(file: Path) -> None:
    with pytest.raises(ConfigError, match="hook 3: url: "):
        read(file, BOTH + "[[hooks]]\non = 'gone'\nurl = 'x'")
    with pytest.raises(ConfigError, match=f"there are {MOST_HOOKS + 1}; at most {MOST_HOOKS} are possible"):
        read(file, "[[hooks]]\non = 'gone'\nurl = 'http://x'\n" * (MOST_HOOKS + 1))


def for_emotion(file: Path, emotion: str) -> Settings:
    return read(file, f"[[hooks]]\non = 'changed'\nemotion = '{emotion}'\nurl = 'http://x'")


def test_an_emotion_that_is_none_is_refused(file: Path, tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    for emotion in ("contempt", "uncertain"):
        load_model(for_emotion(file, emotion), store)
    with pytest.raises(ConfigError, match="hook 1: emotion: 'joyful' is no emotion of the model emotion; it has angry"):
        load_model(for_emotion(file, "joyful"), store)


def test_no_hook_takes_a_chosen_model_away(file: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = ModelStore(tmp_path)
    store.choose("emotion-fer2013")  # FER2013 knows no contempt
    assert load_model(for_emotion(file, "contempt"), store).card.name == "emotion-fer2013"
    assert "hook 1: emotion: 'contempt' is no emotion of the model emotion-fer2013: the hook never runs" in caplog.text
    with pytest.raises(ConfigError, match="'joyful' is no emotion of the model emotion-fer2013"):
        load_model(for_emotion(file, "joyful"), store)
    assert store.choice is not None
    assert store.choice.model == "emotion-fer2013"


def test_the_emotions_of_a_model_that_is_broken_keep_the_daemon_from_nothing(file: Path, tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    store.add("mine", read_files(SHIPPED))
    store.choose("mine")
    store.find("mine").write_bytes(b"broken")
    assert load_model(for_emotion(file, "joyful"), store).card.name == "emotion"
