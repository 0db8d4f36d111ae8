"""Arrays in files of other programs: what is written is read, and what is not whole is refused in a line."""

import json
import pickle
import struct
import zipfile

import h5py
import numpy as np
import pytest

from fastsde.system.array_files import ArrayFileError, open_arrays

X = np.arange(6.0).reshape(3, 2)


def safetensors(path, arrays, lie=0):
    """Write the format by hand: the length of a header, the header, the numbers."""
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name, array in arrays.items():
        raw = np.ascontiguousarray(array, dtype="<f4").tobytes()
        offsets = [len(data), len(data) + len(raw) + lie]
        header[name] = {"dtype": "F32", "shape": [*array.shape], "data_offsets": offsets}
        data += raw
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


@pytest.fixture
def written(tmp_path):
    """One file of each format, of the same numbers."""
    np.save(tmp_path / "a.npy", X)
    np.savez_compressed(tmp_path / "a.npz", x=X, y=X[:, 0])
    np.savetxt(tmp_path / "a.csv", X, delimiter=",", header="w,v", comments="")
    np.savetxt(tmp_path / "a.txt", X)
    for name in ("a.h5", "a.nc"):
        with h5py.File(tmp_path / name, "w") as file:
            file["group/x"] = X
            file["words"] = "text"
    safetensors(tmp_path / "a.safetensors", {"layers.0.weight": X})
    return tmp_path


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("a.npy", ""),
        ("a.npz", "x"),
        ("a.csv", ""),
        ("a.txt", ""),
        ("a.h5", "group/x"),
        ("a.nc", "group/x"),
        ("a.safetensors", "layers.0.weight"),
    ],
)
def test_every_format_gives_the_numbers_back(written, file, name):
    found = open_arrays(written / file)
    assert found[name].shape == X.shape
    assert np.array_equal(found[name].read(), X)
    assert np.array_equal(found[name].read(slice(1, 2)), X[1:2])
    assert set(found) == ({"x", "y"} if file == "a.npz" else {name})


def test_zarr_is_read_where_it_is_installed(tmp_path):
    zarr = pytest.importorskip("zarr")
    zarr.open_group(tmp_path / "a.zarr", mode="w").create_array("x", data=X)
    assert np.array_equal(open_arrays(tmp_path / "a.zarr")["x"].read(), X)


def claim(shape, dtype="<f8"):
    """Return a file of NumPy's whose header claims more than there is."""
    head = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head


def zipped(content):
    def write(path):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("x.npy", content)

    return write


class Bomb:
    """Unpickling it would raise."""

    def __reduce__(self):
        return (exec, ("raise SystemExit('unpickled')",))


BAD = {
    "empty.npy": b"",
    "empty.npz": b"",
    "empty.h5": b"",
    "empty.safetensors": b"",
    "text.npy": b"hello",
    "text.csv": b"a,b\n1,two\n",
    "lie.npy": claim((10**10 // 8,)),
    "huge.npy": claim((2**62, 2**62)),
    "negative.npy": claim((-1,)),
    "lie.npz": zipped(claim((10**10 // 8,))),
    "lie.safetensors": struct.pack("<Q", 10**10) + b"{}",
    "none.npz": zipped(b""),
    "pickled.npy": claim((1,), "|O") + pickle.dumps([Bomb()]),
    "pickled.npz": zipped(claim((1,), "|O") + pickle.dumps([Bomb()])),
    "what.xlsx": b"",
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_refused_in_a_line(tmp_path, name):
    path, content = tmp_path / name, BAD[name]
    content(path) if callable(content) else path.write_bytes(content)
    with pytest.raises(ArrayFileError) as caught:
        open_arrays(path)
    assert len(str(caught.value).splitlines()) == 1
    assert name in str(caught.value)


def test_a_tensor_longer_than_its_file_and_a_file_that_is_not_there(tmp_path):
    safetensors(tmp_path / "a.safetensors", {"x": X})
    whole = (tmp_path / "a.safetensors").read_bytes()
    (tmp_path / "a.safetensors").write_bytes(whole[:-8])
    with pytest.raises(ArrayFileError, match="claims"):
        open_arrays(tmp_path / "a.safetensors")
    with pytest.raises(ArrayFileError, match="no file"):
        open_arrays(tmp_path / "absent.npz")
