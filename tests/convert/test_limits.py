"""Files that are too large, unpack to too much, or are no files at all are refused before they are read."""

from __future__ import annotations

import os
import zipfile
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest

from convert.errors import ModelError
from convert.load import load
from convert.spec import FileFacts, complete
from tests.convert import small
from tests.convert.small import LABELS, SIZE
from tests.convert.test_trust import beside, refusal
from train.datasets import DataError

if TYPE_CHECKING:
    from pathlib import Path


def test_an_archive_that_unpacks_to_gigabytes_is_not_unpacked(tmp_path: Path) -> None:
    path = beside(tmp_path / "bomb.keras")
    small.as_keras(small.weights(1)).save(path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("assets/zeros", b"0")
        archive.infolist()[-1].file_size = 9 << 30  # what the archive says is all that Keras would unpack
    assert "it unpacks to 4 files of 9,66" in refusal(path)


@pytest.mark.parametrize("name", ["bomb.h5", "bomb.keras"])
def test_datasets_that_unpack_to_gigabytes_are_not_unpacked(name: str, tmp_path: Path) -> None:
    inside = path = tmp_path / name
    if name.endswith(".keras"):
        inside = tmp_path / "model.weights.h5"
    with h5py.File(inside, "w") as file:
        file.attrs["model_config"] = "{}"
        file.create_dataset("zeros", (9 << 30,), np.uint8, chunks=(1 << 20,), compression="gzip")
    assert inside.stat().st_size < 1_000_000
    if inside != path:
        with zipfile.ZipFile(path, "w") as archive:
            archive.write(inside, inside.name)
            archive.writestr("config.json", "{}")
    assert "it unpacks to more than 9,663,676,416 bytes" in refusal(path)


def test_a_dataset_in_another_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.h5"
    small.as_keras(small.weights(1)).save(path)
    with h5py.File(path, "a") as file:
        file["model_weights/other"] = h5py.ExternalLink("/etc/hostname", "/")
    assert "links to another place or file" in refusal(path)
    with h5py.File(path, "a") as file:
        del file["model_weights/other"]
        file.create_dataset("other", (8,), np.uint8, external=[("/etc/hostname", 0, 8)])
    assert "lies in another file" in refusal(path)


@pytest.mark.parametrize("name", ["model.keras", "model.h5", "model.onnx", "model"])
@pytest.mark.parametrize("kind", ["fifo", "device", "sparse"])
def test_what_is_no_regular_file_of_sensible_size_is_refused(name: str, kind: str, tmp_path: Path) -> None:
    if name.endswith(".onnx"):
        pytest.importorskip("onnx2tf")
    path = file = tmp_path / name
    if not path.suffix:
        path.mkdir()
        file = path / "saved_model.pb"
    if kind == "fifo":
        os.mkfifo(file)
    elif kind == "device":
        file.symlink_to("/dev/zero")
    else:
        with file.open("wb") as sparse:
            sparse.truncate(20 << 30)
    with pytest.raises(ModelError) as caught:
        load(path)
    assert ("21,474,836,480 bytes" if kind == "sparse" else "this is not a regular file") in str(caught.value)


def lay_beside(tensor: Any, place: str, length: str = "") -> None:
    """Have the values of an ONNX tensor in another file."""
    tensor.ClearField("raw_data")
    tensor.data_location = 1  # EXTERNAL
    for key, value in [("location", place), ("length", length)]:
        if value:
            entry = tensor.external_data.add()
            entry.key, entry.value = key, value


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("large.bin", "large.bin: it has 21,474,836,480 bytes"),
        ("link.bin", "link.bin: this is not a regular file"),
        ("../outside.bin", "points outside the directory"),
        ("\x1b[2J.bin", "?[2J.bin: No such file or directory"),
    ],
)
def test_weights_beside_an_onnx_file_are_regular_files_of_sensible_size(place: str, said: str, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnx2tf")
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "link.bin").symlink_to("/dev/zero")
    (tmp_path / "outside.bin").touch()
    with (folder / "large.bin").open("wb") as sparse:
        sparse.truncate(20 << 30)
    model = small.as_onnx(small.weights(1), [1, 1, SIZE, SIZE])
    lay_beside(model.graph.initializer[0], place)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(ModelError) as caught:
        load(folder / "model.onnx")
    assert said in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("deep", [False, True])
def test_constants_beside_an_onnx_file_are_checked_too(tmp_path: Path, deep: bool) -> None:  # noqa: FBT001
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnx2tf")
    (tmp_path / "link.bin").symlink_to("/dev/zero")
    model = small.as_onnx(small.weights(1), [1, 1, SIZE, SIZE])
    node = onnx.helper.make_node("Constant", [], ["value"], value=onnx.TensorProto(dims=[1], data_type=1))
    lay_beside(node.attribute[0].t, "link.bin")
    if deep:
        branch = onnx.helper.make_graph([node], "branch", [], [])
        node = onnx.helper.make_node("If", ["answer"], ["value"], then_branch=branch)
    model.graph.node.append(node)
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(ModelError, match=r"link\.bin: this is not a regular file"):
        load(tmp_path / "model.onnx")


@pytest.mark.parametrize("length", ["", "20000000", "-1", "99999999999"])
def test_one_file_beside_an_onnx_file_is_not_read_any_number_of_times(length: str, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnx2tf")
    with (tmp_path / "weights.bin").open("wb") as sparse:
        sparse.truncate(20_000_000)
    model = small.as_onnx(small.weights(1), [1, 1, SIZE, SIZE])
    for _ in range(60):
        lay_beside(model.graph.initializer.add(), "weights.bin", length)
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(ModelError, match=r"model\.onnx: its weights in other files have 1,200,000,000 bytes"):
        load(tmp_path / "model.onnx")


def test_a_folder_that_lies_elsewhere_is_no_part_of_a_saved_model(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model/saved_model.pb").touch()
    (tmp_path / "model/variables").symlink_to("/dev")
    with pytest.raises(ModelError, match="variables: "):
        load(tmp_path / "model")


@pytest.mark.parametrize("kind", ["fifo", "device", "large", "text"])
def test_a_report_that_is_none_is_one_sentence(kind: str, tmp_path: Path) -> None:
    report = tmp_path / "model.json"
    if kind == "fifo":
        os.mkfifo(report)
    elif kind == "device":
        report.symlink_to("/dev/zero")
    else:
        report.write_bytes(b"\xff" if kind == "text" else b" " * (17 << 20))
    with pytest.raises(DataError, match=r"model\.json: (this is|not a training report)"):
        complete(tmp_path / "model.keras", FileFacts(height=SIZE, width=SIZE, channels=1, outputs=("answer",)))


def test_a_pointer_of_git_lfs_is_told(tmp_path: Path) -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
    for name in ("a.keras", "a.h5", "a.H5"):
        (tmp_path / name).write_text(pointer)
        assert "a pointer of Git LFS, not the model; fetch the model: git lfs pull" in refusal(tmp_path / name)


def test_an_ending_in_capitals_is_one_too(tmp_path: Path) -> None:
    path = beside(tmp_path / "MODEL.H5")
    small.as_keras(small.weights(1)).save(tmp_path / "model.h5")
    (tmp_path / "model.h5").rename(path)
    assert load(path).path == path


def test_a_byte_order_mark_in_what_stands_beside_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "model.h5"
    small.as_keras(small.weights(1)).save(path)
    path.with_suffix(".toml").write_text("\ufeff" + small.SIDECAR, encoding="utf-8")
    assert load(path).spec.labels == LABELS
