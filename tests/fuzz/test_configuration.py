"""Any file, environment or flag is read, and shown as TOML that reads the same, or refused with short sentences."""

from __future__ import annotations

import json
import math
import time
import tomllib
from typing import TYPE_CHECKING, Any

from edge.config import Settings, example, load, show
from edge.errors import ConfigError
from tests.fuzz.values import SECRET, address, damaged, text, value

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from random import Random

    from tests.fuzz.conftest import Fuzz

KEYS = [(name, key) for name, section in Settings().sections() for key in type(section).model_fields]
NOT_SHOWN = "  # not shown in full"


def read(file: Path, environ: Mapping[str, str], flags: Mapping[str, Any]) -> Settings | None:
    """Load a configuration as it comes, and see that it ends well, and soon."""
    began_s = time.thread_time()
    try:
        settings: Settings | None = load(file, environ, flags)
    except ConfigError as error:
        settings, message = None, str(error)
        lines = message.splitlines()
        assert 1 <= len(lines) <= 21
        assert all(line.isprintable() and len(line) < 700 for line in lines), message
        assert SECRET not in message
    assert time.thread_time() - began_s < 2
    if settings:
        shown = show(settings)
        assert SECRET not in shown
        again = tomllib.loads(shown)
        if NOT_SHOWN not in shown:
            assert Settings.model_validate(again) == settings
    return settings


def toml(written: Any) -> str:
    """Return a value as TOML, as far as it has one."""
    match written:
        case bool() | str():
            return json.dumps(written)
        case float() if not math.isfinite(written):
            return str(written)
        case int() | float():
            return str(written)
        case list():
            return f"[{', '.join(map(toml, written))}]"
        case dict():
            return "{" + ", ".join(f"{json.dumps(key)} = {toml(each)}" for key, each in written.items()) + "}"
        case _:
            return "1979-05-27T07:32:00Z"


def near(case: Random) -> Any:
    """Return a value for a key: an address, anything, or nothing that TOML knows."""
    return case.choice((value, value, value, address, lambda _: None))(case)


def test_any_values(fuzz: Fuzz, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    for case in fuzz.cases(700):
        sections: dict[str, dict[str, Any]] = {}
        for section, key in case.sample(KEYS, case.randrange(6)):
            sections.setdefault(section, {})[key] = near(case)
        if not case.randrange(4):
            sections.setdefault(text(case) if case.randrange(2) else "camera", {})[text(case)] = near(case)
        lines = []
        for name, content in sections.items():
            lines.append(f"[{name if name.isalpha() and name.isascii() else json.dumps(name)}]")
            lines += [f"{json.dumps(key)} = {toml(each)}" for key, each in content.items()]
        file.write_text(
            "\n".join(lines), encoding=case.choice(("utf-8", "utf-8", "utf-8-sig", "utf-16")), errors="replace"
        )
        read(file, {}, {})


def test_any_file(fuzz: Fuzz, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    usual = "\n".join(line.removeprefix("# ") if " = " in line else line for line in example().splitlines()).encode()
    whole = show(Settings()).encode()
    for case in fuzz.cases(1200):
        match case.randrange(8):
            case 0:
                content = case.randbytes(case.randrange(300))
            case 1:
                content = case.choice(
                    (b"[", b"{a=", b"a.", b"'''", b'"""', b"x=[\n", b"[[a]]\n", b"a=1\n", b"0")
                ) * case.choice((3, 900, 9000))
            case 2:
                content = text(case, 400).encode(errors="replace")
            case _:
                content = damaged(case, case.choice((usual, whole)))
        file.write_bytes(content)
        read(file, {}, {})


def test_any_environment_and_flags(fuzz: Fuzz, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("[camera]\nfps = 5\n")
    for case in fuzz.cases(1500):
        environ = {}
        for section, key in case.sample(KEYS, 3):
            name = f"EMOTION_EDGE_{section}__{key}".upper()
            environ[name if case.randrange(8) else name + text(case)] = str(case.choice((text, value, address))(case))
        read(file, environ, {".".join(case.choice(KEYS)): case.choice((near(case), str(near(case))))})
