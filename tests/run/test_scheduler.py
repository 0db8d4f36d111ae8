"""Which shard a task is, how many threads it may use, and what a shard computes."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastsde.run.scheduler import find_task, shard_of
from fastsde.storage.plan import Shard, divide, shard_range
from fastsde.system.errors import SchedulerError
from fastsde.system.threads import available_cores, default_threads


def slurm(index, first=1, last=10, step=1):
    names = ("ID", "MIN", "MAX", "STEP")
    return {f"SLURM_ARRAY_TASK_{n}": str(v) for n, v in zip(names, (index, first, last, step), strict=True)}


def engine(index, first=1, last=10, step=1):
    names = ("SGE_TASK_ID", "SGE_TASK_FIRST", "SGE_TASK_LAST", "SGE_TASK_STEPSIZE")
    return {name: str(value) for name, value in zip(names, (index, first, last, step), strict=True)}


@pytest.mark.parametrize(
    ("environment", "shard"),
    [
        (slurm(3), 3),
        (slurm(3, 0, 9), 4),
        (slurm(0, 0, 9), 1),
        (slurm(9, 0, 9), 10),
        (slurm(5, 1, 19, 2), 3),
        (slurm(120, 100, 145, 5), 5),
        (engine(4), 4),
        (engine(7, 1, 19, 2), 4),
        ({"PBS_ARRAY_INDEX": "10"}, 10),
        ({"PBS_ARRAYID": "2"}, 2),
        ({"LSB_JOBINDEX": "6", "LSB_JOBINDEX_STEP": "1", "LSB_JOBINDEX_END": "10"}, 6),
        ({"LSB_JOBINDEX": "0", "SLURM_ARRAY_TASK_ID": "2"} | slurm(2), 2),
    ],
)
def test_each_scheduler_tells_the_shard(environment, shard):
    assert shard_of("10", environment=environment) == Shard(shard, 10)
    assert shard_of("2/7", environment=environment) == Shard(2, 7)


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({}, "not a task of a job array"),
        ({"SGE_TASK_ID": "undefined"}, "not a task of a job array"),
        ({"LSB_JOBINDEX": "0"}, "not a task of a job array"),
        ({"PBS_ARRAY_INDEX": "0"}, "index 0 of the PBS array .first index 1(.|\n)*--index-from 0"),
        ({"PBS_ARRAY_INDEX": "11"}, "index 11 of the PBS array(.|\n)*one of 10 shards"),
        ({"PBS_ARRAY_INDEX": "x"}, "not a number"),
        (slurm(3, 3, 7), "not have 10 tasks"),
        (slurm(7, 7, 7), "--index-from"),
    ],
)
def test_what_is_not_clear_is_refused(environment, message):
    with pytest.raises(SchedulerError, match=message):
        shard_of("10", environment=environment)


def test_a_subset_that_is_sent_again_keeps_its_shards():
    """--array=3,7 of an array from 0: the scheduler tells of an array from 3 to 7."""
    for index in (3, 7):
        assert shard_of("10", index_from=0, environment=slurm(index, 3, 7)) == Shard(index + 1, 10)
        assert shard_of("10", index_from=1, environment=slurm(index, 3, 7)) == Shard(index, 10)


def test_schedulers_that_do_not_say_where_an_array_begins_begin_at_1_or_where_they_are_told():
    for name in ("PBS_ARRAY_INDEX", "PBS_ARRAYID", "LSB_JOBINDEX"):
        assert shard_of("10", environment={name: "10"}) == Shard(10, 10)
        assert shard_of("10", environment={name: "9"}, index_from=0) == Shard(10, 10)
    assert shard_of("10", environment={"PBS_ARRAY_INDEX": "0"}, index_from=0) == Shard(1, 10)
    with pytest.raises(SchedulerError, match="one of 10 shards"):
        shard_of("10", environment={"PBS_ARRAY_INDEX": "10"}, index_from=0)


@pytest.mark.parametrize("text", ["", "x", "0/3", "4/3", "1/", "/3", "-1/3", "1/3/5", "1.5", "0", "٣"])
def test_a_wrong_text_is_refused(text):
    with pytest.raises(SchedulerError, match="shard"):
        shard_of(text, environment=slurm(0, 0, 0))


def test_no_array_is_no_task():
    assert find_task({}) is None


@given(st.integers(1, 10**6), st.integers(1, 3000))
def test_shards_cover_all_trajectories_once(trajectories, of):
    ranges = [shard_range(trajectories, Shard(i, of)) for i in range(1, of + 1)]
    assert ranges[0].start == 0
    assert ranges[-1].stop == trajectories
    assert all(one.stop == other.start for one, other in itertools.pairwise(ranges))
    lengths = [len(one) for one in ranges]
    assert max(lengths) - min(lengths) <= max(2, 31)
    if trajectories >= 64 * of:
        assert max(lengths) <= trajectories / of * 1.5


@given(st.integers(0, 10**6), st.integers(1, 10**5), st.integers(1, 9000))
def test_parts_cover_a_range_once_and_none_is_a_sliver(first, count, size):
    parts = divide(None, "m", first, first + count, size)
    assert parts[0].first == first
    assert parts[-1].last == first + count
    assert all(a.last == b.first for a, b in itertools.pairwise(parts))
    assert all(part.count < size * 1.5 + 1 for part in parts)
    if len(parts) > 1:
        assert all(part.count >= size // 4 for part in parts)


@pytest.mark.parametrize(
    "environment",
    [
        {"SLURM_CPUS_PER_TASK": "1", "SLURM_CPUS_ON_NODE": "64"},
        {"SLURM_CPUS_ON_NODE": "1"},
        {"NCPUS": "1"},
        {"PBS_NP": "1"},
        {"NSLOTS": "1"},
        {"LSB_DJOB_NUMPROC": "1"},
    ],
)
def test_threads_are_those_that_the_scheduler_grants(environment, tmp_path):
    assert default_threads(environment, tmp_path / "none") == 1


def test_threads_are_at_most_the_cores_and_the_quota(tmp_path):
    quota = tmp_path / "cpu.max"
    assert default_threads({"NSLOTS": "1000"}, quota) == available_cores()
    for text, threads in (
        ("100000 100000", 1),
        ("max 100000", available_cores()),
        ("rubbish", available_cores()),
    ):
        quota.write_text(text)
        assert default_threads({}, quota) == threads
    assert default_threads({"NSLOTS": "many", "NCPUS": ""}, tmp_path / "none") == available_cores()
