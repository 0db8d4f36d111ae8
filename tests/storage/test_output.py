"""The file that HDF5 writes to: it reads back what was written last, whatever the disk took."""

import errno
import gc
import io
import os

import h5py
import numpy as np
import pytest

from fastsde.storage import netcdf
from fastsde.system.atomic import replacing
from fastsde.system.errors import DiskError
from fastsde.system.output import Output


@pytest.fixture
def full_after(monkeypatch):
    """Return a function that lets the disk take that many more bytes, all files together."""
    write = os.pwrite

    def limit(room):
        left = [room]

        def pwrite(descriptor, data, position):
            taken = data[: left[0]]
            if len(data) and not len(taken):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            left[0] -= len(taken)
            return write(descriptor, taken, position)

        monkeypatch.setattr(os, "pwrite", pwrite)

    return limit


@pytest.mark.parametrize("room", [0, 1, 500, 3000, 10**9])
def test_it_reads_as_memory_does(tmp_path, full_after, room):
    random = np.random.default_rng(7)
    full_after(room)
    memory = io.BytesIO()
    with Output(tmp_path / "file") as output:
        for _ in range(400):
            position, size = int(random.integers(5000)), int(random.integers(300))
            data = random.bytes(size)
            for file in (output, memory):
                file.seek(position)
                assert file.write(data) == size
            position = int(random.integers(5500))
            for file in (output, memory):
                file.seek(position)
            assert output.read(200) == memory.read(200)
            assert output.seek(0, os.SEEK_END) == memory.seek(0, os.SEEK_END)
            assert output.tell() == memory.tell()
        assert (output.refusal is None) == (room == 10**9)
    if room == 10**9:
        assert (tmp_path / "file").read_bytes() == memory.getvalue()


def make(path):
    """Write a file of many objects, attributes and chunks, and read some of it meanwhile."""
    with netcdf.open_new(path) as file:
        for number in range(5):
            group = file.create_group(f"group {number}", track_order=True)
            group.attrs["long"] = "x" * 2000
            data = group.create_dataset("data", (40, 300), "f8", chunks=(1, 100), fillvalue=np.nan)
            for row in range(40):
                data[row] = row
            assert data[7, 7] == 7


def test_hdf5_makes_the_same_file_as_by_itself(tmp_path):
    make(tmp_path / "file.h5")
    with h5py.File(tmp_path / "file.h5") as file:
        assert list(file) == [f"group {number}" for number in range(5)]
        for group in file.values():
            np.testing.assert_array_equal(group["data"][:, 3], np.arange(40))
            assert len(group.attrs["long"]) == 2000


def test_wherever_the_disk_is_full_there_is_one_error_and_nothing_left(tmp_path, full_after, capfd):
    make(tmp_path / "whole.h5")
    whole = (tmp_path / "whole.h5").stat().st_size
    (tmp_path / "whole.h5").unlink()
    for room in [0, 1, 100, 1000, *range(2000, 9 * whole // 10, 25_000)]:
        full_after(room)
        with pytest.raises(DiskError) as caught, replacing(tmp_path / "file.h5") as temporary:
            make(temporary)
        assert str(caught.value) == f"cannot write {tmp_path / 'file.h5'}: No space left on device", room
        del caught
        gc.collect()
        assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


def test_much_is_not_kept_of_what_is_written_to_a_full_disk(tmp_path, full_after):
    full_after(10_000)
    rows = []

    def write():
        with netcdf.open_new(tmp_path / "file.h5") as file:
            data = file.create_dataset("data", (100, 100_000), "f8", chunks=(1, 100_000))
            for row in range(100):
                data[row] = row
                rows.append(row)
                file.check()

    with pytest.raises(OSError, match="No space left"):
        write()
    assert len(rows) < 20  # what fits into the cache of HDF5


def test_a_disk_may_refuse_at_the_very_end(tmp_path, monkeypatch):
    close = os.close

    def refuse(descriptor):
        close(descriptor)
        raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))

    monkeypatch.setattr(os, "close", refuse)
    with pytest.raises(OSError, match="quota"):
        make(tmp_path / "file.h5")


def test_a_file_that_cannot_be_made_is_said_at_once(tmp_path):
    with pytest.raises(FileNotFoundError):
        netcdf.open_new(tmp_path / "nowhere" / "file.h5")
