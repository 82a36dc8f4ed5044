"""What takes pydantic's place in a job gives the values that pydantic gives."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar, Literal

from train import recipes
from train.job import plain, sources

IMPORTED = re.compile(r"^from pydantic import (.*)$", re.MULTILINE)


def test_all_of_pydantic_that_a_job_uses_has_something_in_its_place() -> None:
    packed = [(sources.REPOSITORY / path).read_text("utf-8") for path in sources.needed_by("train.job.main").files]
    names = {name.strip() for text in packed for found in IMPORTED.findall(text) for name in found.split(",")}
    methods = {name for text in packed for name in re.findall(r"\.(model_[a-z_]+)\(", text)} - {"model_columns"}
    assert {"BaseModel", "Field", "model_validator"} <= names <= set(dir(plain))
    assert {"model_validate_json", "model_dump"} <= methods <= set(dir(plain.BaseModel))


class One(plain.BaseModel):
    size: ClassVar[int] = 48
    kind: Literal["one"] = "one"
    widths: tuple[int, ...] = plain.Field(default=(1, 2), min_length=1)


class Other(plain.BaseModel):
    kind: Literal["other"] = "other"
    depth: int = 3


class Whole(plain.BaseModel):
    model_config = plain.ConfigDict(frozen=True)
    name: str
    network: One | Other = One()
    teachers: dict[str, int] = plain.Field(default={"a": 1})
    start: Path | None = None
    files: tuple[Path, ...] = ()


def test_values_come_into_the_classes_that_pydantic_would_put_them_into() -> None:
    found = Whole.model_validate_json('{"name": "x", "network": {"kind": "other", "depth": 5}}')
    assert isinstance(found.network, Other)
    assert (found.network.depth, found.teachers) == (5, {"a": 1})
    assert found == Whole(name="x", network=Other(depth=5))
    assert found != Whole(name="x")
    assert Whole.model_validate(found.model_dump()) == found
    assert Whole(name="x").model_copy(update={"network": Other(depth=5)}) == found
    assert json.loads(Whole(name="y").model_dump_json()) == {
        "name": "y", "network": {"kind": "one", "widths": [1, 2]}, "teachers": {"a": 1}, "start": None, "files": [],
    }  # fmt: skip


def test_paths_are_text_in_json_and_paths_again() -> None:
    found = Whole.model_validate_json('{"name": "x", "start": "runs/a.npz", "files": ["b.npz"]}')
    assert (found.start, found.files) == (Path("runs/a.npz"), (Path("b.npz"),))
    assert json.loads(json.dumps(found.model_dump(mode="json"))) == json.loads(found.model_dump_json())
    assert Whole.model_validate(found.model_dump()) == found


STRUCTURE = """
def structure(value):
    if hasattr(value, "model_dump"):
        return [type(value).__name__, {name: structure(each) for name, each in sorted(vars(value).items())}]
    if isinstance(value, (tuple, list)):
        return [type(value).__name__, [structure(each) for each in value]]
    return [type(value).__name__, str(value)]
"""
"""Says what a value is, with the types of all that is in it."""

IN_A_JOB = f"""
import json, sys
from train.job import plain
sys.modules["pydantic"] = plain
from train import kept, recipes
{STRUCTURE}
every = [recipes.Recipe.model_validate_json(text) for text in json.load(sys.stdin)]
again = [kept.unpack(kept.pack(recipe, [])).recipe for recipe in every]
print(json.dumps([[structure(recipe) for recipe in found] for found in (every, again)]))
"""


def test_every_recipe_is_in_a_job_what_it_is_here_and_after_the_training_too() -> None:
    every = [recipes.load(path) for path in sorted(recipes.FOLDER.glob("*.toml"))]
    assert any(recipe.schedule.phases for recipe in every)
    every.append(every[0].model_copy(update={"start": Path("runs/first/first.npz")}))
    here: dict[str, Any] = {}
    exec(STRUCTURE, here)  # noqa: S102  # the same text runs in the other process
    ran = subprocess.run(
        [sys.executable, "-c", IN_A_JOB],
        input=json.dumps([recipe.model_dump_json() for recipe in every]),
        cwd=sources.REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    read, kept = json.loads(ran.stdout)
    assert read == json.loads(json.dumps([here["structure"](recipe) for recipe in every]))
    assert kept == read
