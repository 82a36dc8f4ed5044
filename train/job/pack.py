"""The command that packs recipes and what they learn from into one file, for a machine that has neither."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import edge
from edge.cli.options import writable
from edge.files import write_atomically
from train import kept, learned, recipes, runs
from train.console import ClipsOption, Fer2013Option, FerplusOption, console
from train.datasets import DataError, fer2013
from train.datasets.negatives import clutter
from train.heads import heads_of
from train.job import layout, sources
from train.job.pool import Pool
from train.progress import progress
from train.targets import training_examples, validation_examples
from train.teachers import load_teachers
from train.untrained import check_network

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from train.targets import Negatives

FOLDER = "job"
"""What everything is in."""

REQUIREMENTS = sources.REPOSITORY / "requirements" / "test-backends.txt"
"""The versions that a job is tested with."""

NEEDED = ("absl-py", "h5py", "keras", "markdown-it-py", "mdurl", "namex", "optree", "packaging", "pygments", "rich",
          "typing-extensions")  # fmt: skip
"""Keras, and what it needs besides what JAX brings."""

_MANYLINUX = "manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"
"""What pip may choose wheels for."""

_ABOUT = f"Metadata-Version: 2.1\nName: emotion-edge\nVersion: {edge.__version__}\n"
"""What `edge` asks for its version."""

app = typer.Typer()


@app.command()
def pack(  # each is a flag
    chosen: Annotated[list[Path], typer.Argument(metavar="RECIPE", help="TOML files, in the order to train them.")],
    fer2013: Fer2013Option,
    ferplus: FerplusOption,
    clips: ClipsOption,
    *,
    out: Annotated[Path, typer.Option(callback=writable, help="The file to write.")] = Path("job.tar.xz"),
    wheels: Annotated[
        str | None,
        typer.Option(
            metavar="VERSION",
            help="Add Keras as wheels for this Python on x86-64 Linux, as in 3.12; needs the network.",
        ),
    ] = None,
) -> None:
    """Pack recipes into one file that trains them elsewhere. There it needs Python, Keras, and JAX or PyTorch."""
    plans = [recipes.load(path) for path in chosen]
    twice = [name for name, count in Counter(plan.name for plan in plans).items() if count > 1]
    if twice:
        message = f"two recipes are named {twice[0]}: each needs a name of its own"
        raise recipes.RecipeError(message)
    if any(plan.network.landmarks for plan in plans):
        message = "a network of landmarks cannot be packed: landmarks are not among what a job holds; train it here"
        raise recipes.RecipeError(message)
    if any(plan.data.tracks for plan in plans):
        message = (
            "a network over frames cannot be packed: tracks of embeddings are not among what a job holds; train it here"
        )
        raise recipes.RecipeError(message)
    if not all(plan.network.gradients for plan in plans):
        message = (
            "a forest cannot be packed: scikit-learn, which grows it, is not among what a job needs; train it here"
        )
        raise recipes.RecipeError(message)
    files = _networks(plans)
    files |= _wheels(wheels) if wheels else {}
    files |= _program()
    files |= _examples(plans, fer2013, ferplus, clips)
    content = _archive(files)
    write_atomically(out, content)
    console().print(f"{out}: {len(content) / 1e6:.1f} MB, of them", soft_wrap=True)
    for part, size in _sizes(files):
        console().print(f"  {part}: {size / 1e6:.1f} MB", soft_wrap=True)
    console().print(f"there: tar xf {out.name} && python {FOLDER}/job.py --resume", soft_wrap=True)


def _networks(plans: Sequence[recipes.Recipe]) -> dict[str, bytes]:
    """Return the networks that the recipes need, but those that recipes before them make.

    Raises:
        RecipeError: One is missing or does not fit, or lies outside the repository.
    """
    files: dict[str, bytes] = {}
    made: set[Path] = set()
    for plan in plans:
        body: Path | None = getattr(plan.network, "weights", None)
        every = [path for path in (*plan.data.teachers, plan.start, body) if path]
        for path in every:
            if path.is_absolute() or ".." in path.parts:
                message = f"{plan.name}: {path}: write a path within the repository, so that it can be packed"
                raise recipes.RecipeError(message)
        there = plan.data.model_copy(update={"teachers": tuple(p for p in plan.data.teachers if p not in made)})
        load_teachers(there, heads_of(plan.data))
        if plan.start not in made:
            kept.load_start(plan)
        if body and not (recipes.REPOSITORY / body).is_file():
            message = f"{plan.name}: network.weights: {recipes.REPOSITORY / body} is not there"
            raise recipes.RecipeError(message)
        check_network(plan)
        files |= {path.as_posix(): (recipes.REPOSITORY / path).read_bytes() for path in every if path not in made}
        made.add(Path(layout.weights_file(plan.name)))
    return files


def _examples(
    plans: Sequence[recipes.Recipe], fer2013_file: Path, ferplus_file: Path, clips: Path | None
) -> dict[str, bytes]:
    """Return the recipes, what they learn from, and all pictures, each once."""
    files = {layout.NAMES: json.dumps([plan.name for plan in plans]).encode()}
    with progress(lines=True) as stage:
        stage("reading FER2013 and FER+", 0)
        pool = Pool(fer2013.read(fer2013_file).pixels)
        negatives = _negatives_once()
        for plan in plans:
            training = training_examples(plan.data, fer2013_file, ferplus_file, clips, stage, negatives)
            validation = validation_examples(plan.data, fer2013_file, ferplus_file)
            pool.add(plan.name, training, validation)
            run = Path(layout.weights_file(plan.name)).parent
            described = learned.describe(training, plan)
            files[f"{run}/{runs.EXAMPLES}"] = described.model_dump_json(indent=1).encode()
            files[layout.recipe_file(plan.name)] = plan.model_dump_json(indent=1).encode()
        stage("packing the pictures", 0)
        return files | pool.files()


def _negatives_once() -> Negatives:
    """Return a function that detects as many negatives once only: it takes minutes."""
    known: dict[int, NDArray[np.uint8]] = {}

    def negatives(count: int, clips: Path | None, *, advance: Callable[[int], None]) -> NDArray[np.uint8]:
        if count not in known:
            known[count] = clutter(count, clips, advance=advance)
        return known[count]

    return negatives


def _program() -> dict[str, bytes]:
    """Return the sources that run, and what stands for installed packages."""
    needed = sources.needed_by("train.job.main")
    files = {path: (sources.REPOSITORY / path).read_bytes() for path in needed.files}
    here = Path(__file__).parent
    files["job.py"] = (here / "start.py").read_bytes()
    files["pydantic.py"] = (here / "plain.py").read_bytes()
    files[f"emotion_edge-{edge.__version__}.dist-info/METADATA"] = _ABOUT.encode()
    files["LICENSE"] = (sources.REPOSITORY / "LICENSE").read_bytes()
    return files


def _wheels(version: str) -> dict[str, bytes]:
    """Return wheels of `NEEDED` for a version of Python.

    Raises:
        DataError: pip does not find them, or the network is missing.
    """
    pins = [line.split(";")[0].strip() for line in REQUIREMENTS.read_text("utf-8").splitlines()]
    wanted = [pin for pin in pins if pin.partition("==")[0] in NEEDED]
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    platforms = [word for name in _MANYLINUX for word in ("--platform", name)]
    with tempfile.TemporaryDirectory() as folder:
        command = [*pip, "--only-binary", ":all:", "--python-version", version, *platforms, "--dest", folder, *wanted]
        found = subprocess.run(command, capture_output=True, text=True, check=False)
        if found.returncode:
            last = (found.stderr.strip().splitlines() or ["no reason given"])[-1]
            message = f"--wheels {version}: pip does not get them: {last}"
            raise DataError(message)
        return {f"wheels/{path.name}": path.read_bytes() for path in Path(folder).glob("*.whl")}


def _archive(files: dict[str, bytes]) -> bytes:
    """Return a ``.tar.xz``, the same for the same files."""
    buffer = io.BytesIO()
    # Most of it is compressed already: more effort would not make it smaller.
    with tarfile.open(fileobj=buffer, mode="w:xz", preset=1) as archive:
        for name in sorted(files):
            about = tarfile.TarInfo(f"{FOLDER}/{name}")
            about.size, about.mode = len(files[name]), 0o644
            archive.addfile(about, io.BytesIO(files[name]))
    return buffer.getvalue()


def _sizes(files: dict[str, bytes]) -> Iterable[tuple[str, int]]:
    """Yield what the parts of an archive weigh, before it is compressed as a whole."""
    parts = {"faces": ["faces"], "negatives": ["others"], "wheels": [n for n in files if n.startswith("wheels/")]}
    parts["networks"] = [n for n in files if n.endswith(".npz") and not n.startswith("recipes/")]
    for part, names in parts.items():
        if size := sum(len(files[name]) for name in names):
            yield part, size
