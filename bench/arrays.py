"""``python -m bench.arrays``: the overhead of tasks and parts, and tables for job arrays of any size.

Measures the overhead of a process, of a model and of a part, in processes as a cluster would start them (warm
compile cache, the best of several), and the time of joining. Compares the forecast with arrays that are run
on this machine, one task after another. Writes ``docs/scaling.md``.
"""

import argparse
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from fastsde.benchmark import forecast, pilot
from fastsde.problem.data import build_problem
from fastsde.run import merge, status
from fastsde.run import run as parts
from fastsde.study import study
from fastsde.system.progress import Silent, duration, size_text
from fastsde.system.threads import default_threads

TINY = """
trajectories = {trajectories}
[network]
widths = [4, 10, 10, 4]
init = {{ std = 0.1 }}
[data]
samples = 16
teacher = {{ singular_values = [2.0, 1.0] }}
[time]
learning_rate = 0.001
steps = {steps}
snapshots = {{ count = 2 }}
"""
MODELS = {
    "sgd": '[models.sgd]\nkind = "sgd"\n',
    "sde": '[models.sde]\nkind = "sde"\nnoise = "gradient"\n',
    "langevin": '[models.langevin]\nkind = "sde"\nnoise = "isotropic"\n',
}
EXAMPLE = Path(__file__).parents[1] / "examples" / "saddle_to_saddle.toml"
SIZES = (1024, 100_000, 10_000_000)
TASKS = (1, 3, 10, 30, 100, 300, 1000, 3000, 10_000)
MANY = 40


INTRODUCTION = """\
The first two tables were measured; the others are computed from these by the functions of
`fastsde plan`, as no such cluster was available."""
TRIAL = """\
Forecast and measured time of the longest task, on this machine, with tasks run one after another
(the example with 2000 steps):"""
EXPLANATION = """\
Every task computes the same range of trajectories of every model, so all tasks take equally long.
Efficiency is the time spent on steps and snapshots divided by the total time of all tasks. It falls
when a task has little work compared with its start-up time, and when its trajectories do not fill the
vector lanes of all its threads. The part size is the largest number of trajectories in a part of any
model: the study's own part size, or the task's share if that is smaller. The files are the parts, the
ensemble and the study. Where many files are a problem, use fewer tasks, or `fastsde merge --copy`,
which leaves one file. Arrays are listed up to the one that leaves each task 16 trajectories of each
model.

A task near its time limit loses nothing: it saves a checkpoint and queues again, at the cost of one
more start."""


def text_of(trajectories, steps, models):
    return TINY.format(trajectories=trajectories, steps=steps) + "".join(MODELS[name] for name in models)


def seconds_of(folder, text, *options):
    """Time ``fastsde run`` in a separate process and directory."""
    directory = Path(tempfile.mkdtemp(dir=folder))
    (directory / "study.toml").write_text(text)
    words = [
        sys.executable,
        "-m",
        "fastsde",
        "run",
        str(directory / "study.toml"),
        "-o",
        str(directory / "run"),
    ]
    begun = time.perf_counter()
    subprocess.run([*words, "--progress", "none", *options], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun


def overheads(folder, rounds):
    """Return the overhead in seconds of a process, of a model, and of a part."""
    cases = {
        "one": (text_of(16, 1, ["sgd"]), "--shard", "1/1"),
        "three": (text_of(16, 1, MODELS), "--shard", "1/1"),
        "parts": (text_of(16 * MANY, 1, ["sgd"]), "--shard", "1/1", "--part-size", "16"),
    }
    for case in cases.values():
        seconds_of(folder, *case)
    best = {name: min(seconds_of(folder, *case) for _ in range(rounds)) for name, case in cases.items()}
    part = (best["parts"] - best["one"]) / (MANY - 1)
    model = (best["three"] - best["one"]) / 2 - part
    return best["one"] - model - part, model, part


def joining(folder, counts=(200, 1000)):
    """Return, per part: seconds to join, bytes of the ensemble, and seconds of ``fastsde status``."""
    costs = []
    for count in counts:
        directory = Path(tempfile.mkdtemp(dir=folder))
        text = text_of(count, 1, ["sgd"])
        parts.run(study.Study.from_toml(text), directory, part_size=1)
        begun = time.perf_counter()
        path = merge.merge([directory])
        costs.append((time.perf_counter() - begun, path.stat().st_size))
        begun = time.perf_counter()
        assert status.status(directory).whole
        costs[-1] += (time.perf_counter() - begun,)
    return [(b - a) / (counts[1] - counts[0]) for a, b in zip(*costs, strict=True)]


def trial(folder, tasks, trajectories, threads):
    """Return the forecast and the measured time of the longest task, for each number of tasks."""
    s = study.Study.load(EXAMPLE).replace(trajectories=trajectories, time={"steps": 2000})
    (folder / "trial.toml").write_text(s.to_toml())
    rows = []
    for count in tasks:
        problem = build_problem(s)
        speeds = pilot.speeds(s, problem, threads, Silent(), {})
        row = forecast.array_row(s, speeds, threads, count)
        real = max(
            seconds_of(folder, s.to_toml(), "--shard", f"{number}/{count}", "--threads", str(threads))
            for number in sorted({1, count})
        )
        rows.append((count, row.seconds, real))
    return rows


def tables(threads):
    """Return, for each size of the example, its forecast rows and the suggested number of tasks."""
    s = study.Study.load(EXAMPLE)
    problem = build_problem(s)
    speeds = pilot.speeds(s, problem, threads, Silent(), {})
    result = {}
    for size in SIZES:
        sized = s.replace(trajectories=size)
        rows = [forecast.array_row(sized, speeds, threads, n) for n in TASKS if n <= size // 16]
        result[size] = rows, forecast.suggested_tasks(sized, rows[0].seconds, threads)
    return result


def page(threads, costs, join, trials, sizes):
    start, model, part = costs
    day = time.strftime("%Y-%m-%d")
    lines = [
        "# Job arrays, from one task to ten thousand",
        "",
        f"Written by `python -m bench.arrays` on {platform.machine()}, {threads} threads per task, {day}.",
        INTRODUCTION,
        "",
        "| overhead | seconds |",
        "|---|---|",
        f"| per process: Python, imports, data | {start:.2f} |",
        f"| per model and process: loading its compiled code, first access to the cache | {model:.2f} |",
        f"| per part: folder, lock, file, checksum, flush | {part:.3f} |",
        f"| joining, per part (one model, 11 variables) | {join[0]:.4f} |",
        f"| `fastsde status`, per part | {join[2]:.4f} |",
        "",
        f"The ensemble file grows by {size_text(join[1])} per part.",
        "",
        TRIAL,
        "",
        "| tasks | forecast, s | measured, s | ratio |",
        "|---|---|---|---|",
        *(f"| {n} | {a:.1f} | {b:.1f} | {a / b:.2f} |" for n, a, b in trials),
        "",
        EXPLANATION,
    ]
    for size, (rows, suggested) in sizes.items():
        lines += [
            "",
            f"## {size:,} trajectories of each of six models",
            "",
            "| tasks | time per task | efficiency | files | size of a file, about | part size |",
            "|---|---|---|---|---|---|",
        ]
        lines += [
            f"| {r.tasks:,} | {duration(r.seconds)} | {100 * r.efficiency:.0f}% | {r.files:,} | "
            f"{size_text(r.file_bytes)} | {r.part_size:,} |"
            for r in rows
        ]
        lines += ["", f"Suggested: {'no job array' if suggested == 1 else f'{suggested:,} tasks'}."]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(prog="python -m bench.arrays", description=__doc__)
    parser.add_argument("--output", type=Path, default=Path("docs/scaling.md"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--trajectories", type=int, default=1024, help="of the arrays that are run")
    given = parser.parse_args()
    threads = default_threads()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        costs = overheads(folder, given.rounds)
        print("start {:.3f} s, model {:.3f} s, part {:.4f} s".format(*costs), file=sys.stderr)
        join = joining(folder)
        print("per part: joining {:.5f} s, {:.0f} bytes, status {:.5f} s".format(*join), file=sys.stderr)
        trials = trial(folder, (1, 2, 4, 8), given.trajectories, threads)
        print(trials, file=sys.stderr)
    given.output.write_text(page(threads, costs, join, trials, tables(threads)), encoding="utf-8")
    print(given.output)


if __name__ == "__main__":
    main()
