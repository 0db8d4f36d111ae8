"""Shards joined from anywhere; mixes and gaps refused and named."""

import json
import shutil

import h5py
import numpy as np
import pytest

from fastsde.run.merge import merge
from fastsde.run.run import run
from fastsde.run.status import status
from fastsde.storage.checksum import write_seal
from fastsde.storage.ensemble import open_ensemble
from fastsde.storage.plan import Part, Shard
from fastsde.system.errors import IncompleteError, StoreError


@pytest.fixture
def shards(tiny_study, stand_in, tmp_path):
    """Two directories with a shard each, as from two machines."""
    for number in (1, 2):
        run(tiny_study, tmp_path / f"s{number}", integrate=stand_in, shard=Shard(number, 2))
    return [tmp_path / "s1", tmp_path / "s2"]


def check(directory, study, stand_in):
    with open_ensemble(directory) as ensemble:
        for name in ensemble:
            wanted = stand_in.value(study, name, "loss", 2, np.arange(10))
            np.testing.assert_array_equal(ensemble[name].read("loss", 2), wanted)


def resealed(path, change):
    """Change a file as its writer might have written it."""
    path.write_bytes(path.read_bytes()[:-115])
    with h5py.File(path, "a") as file:
        change(file)
    write_seal(path)


@pytest.mark.parametrize("copy", [False, True])
def test_shards_are_gathered_and_joined(shards, tiny_study, stand_in, tmp_path, copy):
    merged = merge(shards, tmp_path / "all", copy=copy)
    check(merged, tiny_study, stand_in)
    for shard in shards:
        shutil.rmtree(shard)
    check(merged, tiny_study, stand_in)
    assert status(tmp_path / "all").whole


def test_shards_in_one_directory_are_joined_in_place(tiny_study, stand_in, tmp_path):
    for number in (2, 1, 3):
        assert run(tiny_study, tmp_path, integrate=stand_in, shard=Shard(number, 3)) == tmp_path
        assert not (tmp_path / "ensemble.h5").exists()
    check(merge([tmp_path]), tiny_study, stand_in)
    assert len(stand_in.calls) == 6


def test_overlap_is_taken_once(shards, tiny_study, stand_in, tmp_path):
    run(tiny_study, tmp_path / "whole", integrate=stand_in, part_size=7)
    check(merge([*shards, tmp_path / "whole"], tmp_path / "all"), tiny_study, stand_in)


def test_a_missing_shard_is_named(shards):
    with pytest.raises(IncompleteError, match=r"sgd: 5\.\.9(.|\n)*sde: 5\.\.9"):
        merge(shards[:1])
    assert not (shards[0] / "ensemble.h5").exists()


def test_what_is_finished_can_be_read_before_the_rest(shards, tiny_study, stand_in):
    (shards[1] / "parts" / "sde-000000000005.h5").unlink()
    partial = merge(shards[1:], partial=True)
    assert partial.name == "partial.h5"
    with open_ensemble(partial) as ensemble:
        assert ensemble.names == ["sgd"]
        wanted = stand_in.value(tiny_study, "sgd", "loss", 1, np.arange(5, 10))
        np.testing.assert_array_equal(ensemble["sgd"].read("loss", 1), wanted)
        with h5py.File(partial) as file:
            np.testing.assert_array_equal(file["sgd/trajectory"], np.arange(5, 10))
    (shards[1] / "parts" / "sgd-000000000005.h5").unlink()
    with pytest.raises(IncompleteError, match=r"no part .* is finished"):
        merge(shards[1:], partial=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 4}, "seed: 3 in .*, 4 in "),
        ({"time": {"learning_rate": 0.02}}, r"time\.learning_rate: 0\.01 in .*, 0\.02 in "),
    ],
)
def test_other_studies_and_seeds_are_refused(shards, tiny_study, stand_in, tmp_path, change, message):
    run(tiny_study.replace(**change), tmp_path / "other", integrate=stand_in)
    with pytest.raises(StoreError, match=message):
        merge([shards[0], tmp_path / "other"], tmp_path / "all")
    assert not (tmp_path / "all").exists()


def test_a_strange_part_in_the_folder_is_refused(shards, tiny_study, stand_in, tmp_path):
    run(tiny_study.replace(seed=4), tmp_path / "other", integrate=stand_in, shard=Shard(2, 2))
    part = Part("sgd", 5, 5)
    shutil.copy(part.path(tmp_path / "other"), part.path(shards[0]))
    with pytest.raises(
        StoreError, match=r"sgd-000000000005\.h5 belongs to another study(.|\n)*seed(.|\n)*remove it"
    ):
        merge(shards, tmp_path / "all")


def test_other_versions_are_refused_unless_asked_for(shards, tiny_study, stand_in, tmp_path):
    def older(file):
        versions = json.loads(file.attrs["versions"])
        file.attrs["versions"] = json.dumps(versions | {"numba": "0.1", "kernels": "0" * 16, "h5py": "1.0"})

    resealed(Part("sde", 5, 5).path(shards[1]), older)
    with pytest.raises(StoreError, match=r"sde-000000000005\.h5(.|\n)*kernels: (.|\n)*numba: 0\.1 and") as e:
        merge(shards, tmp_path / "all")
    assert "h5py" not in str(e.value)
    check(merge(shards, tmp_path / "all", any_version=True), tiny_study, stand_in)
    with pytest.raises(StoreError, match=r"this installation(.|\n)*numba: 0\.1 and"):
        run(tiny_study, shards[1], integrate=stand_in)


def test_checksums_are_looked_at(shards, tmp_path):
    path = Part("sde", 5, 5).path(shards[1])
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"sde-000000000005\.h5 has changed since it was written"):
        merge(shards, tmp_path / "all")
    assert not (tmp_path / "all").exists()


def test_several_need_a_place(shards):
    with pytest.raises(StoreError, match="-o DIR"):
        merge(shards)


def test_the_ensemble_knows_the_checksums_of_its_parts(shards, tmp_path):
    from fastsde.storage.checksum import broken, read_seal

    merged = merge(shards, tmp_path / "all")
    assert broken(merged) is None
    with h5py.File(merged) as file:
        table = file["Parts/sgd"]
        for name, size, digest in zip(table["file"], table["bytes"], table["sha256"], strict=True):
            seal = read_seal(tmp_path / "all" / name.decode())
            assert (seal.size, seal.sha256) == (size, digest.decode())


def test_parts_that_the_target_has_are_kept(tiny_study, stand_in, tmp_path):
    """A part of the same name that holds fewer trajectories does not take the place of a larger one."""
    run(tiny_study, tmp_path / "all", integrate=stand_in, part_size=10)
    run(tiny_study, tmp_path / "small", integrate=stand_in, part_size=2)
    before = Part("sgd", 0, 10).path(tmp_path / "all").read_bytes()
    check(merge([tmp_path / "small"], tmp_path / "all"), tiny_study, stand_in)
    assert Part("sgd", 0, 10).path(tmp_path / "all").read_bytes() == before
