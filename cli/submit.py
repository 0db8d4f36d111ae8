"""``fastsde submit``: a Slurm job array."""

from __future__ import annotations

from pathlib import Path

import click

from fastsde.cli import options

__all__ = ["command"]


@click.command("submit", short_help="Run a study as a Slurm job array, then merge and report.")
@options.study_file
@options.output
@click.option(
    "--tasks", metavar="N", type=click.IntRange(1, 1_000_000), required=True, help="Tasks of the array."
)
@click.option("--time", metavar="LIMIT", default="", help="Time limit of a task, such as 4:00:00.")
@click.option(
    "--cpus-per-task",
    metavar="N",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="CPU cores of a task; it uses one thread per core.",
)
@click.option("--gpu", is_flag=True, help="Request a GPU for each task, and compute on it.")
@click.option(
    "--array-limit", metavar="N", type=click.IntRange(min=1), help="Tasks that may run at the same time."
)
@click.option("--partition", metavar="NAME", default="", help="Partition of the cluster.")
@click.option("--mem", "memory", metavar="SIZE", default="", help="Memory of a task, such as 4G.")
@click.option(
    "--extra",
    metavar="LINE",
    multiple=True,
    help="Additional line for both scripts, such as '#SBATCH --account=physics'; may be repeated.",
)
@options.trajectories
@options.steps
@click.option("--dry-run", is_flag=True, help="Print the scripts without writing or submitting anything.")
@options.as_json
def command(
    study_file: Path,
    output: Path | None,
    tasks: int,
    time: str,
    cpus_per_task: int,
    gpu: bool,
    array_limit: int | None,
    partition: str,
    memory: str,
    extra: tuple[str, ...],
    trajectories: int | None,
    steps: int | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Run a study as a Slurm job array, then merge, analyse and report; prints the job IDs.

    The scripts array.sh and merge.sh are written to the run's directory; they can be edited and resubmitted
    with sbatch. A task near its time limit saves a checkpoint and requeues itself. `fastsde plan` suggests
    the number of tasks.

    \b
    Examples:
        fastsde submit saddle.toml --tasks 100 --time 2:00:00 --cpus-per-task 4
        fastsde submit saddle.toml --tasks 100 --array-limit 20 --extra '#SBATCH --account=physics'
        fastsde submit saddle.toml --tasks 8 --gpu --cpus-per-task 8
        fastsde submit saddle.toml --tasks 100 --dry-run
    """
    from fastsde.analysis.requirements import check_analysable
    from fastsde.cli import show, work
    from fastsde.run.submit import Job, array_script, merge_script, submit

    study = work.load_study(study_file, trajectories, steps)
    check_analysable(study, source=str(study_file))
    directory = options.default_directory(study_file, output).absolute()
    own_code = study.landscape is not None and ":" in (study.landscape.code_name or "")
    modules = str(study_file.absolute().parent) if own_code else ""
    job = Job(
        tasks, time, cpus_per_task, array_limit, partition, memory, extra, gpu=gpu, module_folder=modules
    )
    name = study_file.stem
    if dry_run:
        click.echo(array_script(directory, name, job))
        click.echo(merge_script(directory, name, job), nl=False)
        return
    job_ids = submit(study, directory, name, job)
    if as_json:
        show.print_json({"directory": directory, "jobs": job_ids})
        return
    click.echo(f"submitted: job array {job_ids['array']} ({tasks} tasks), then merge job {job_ids['merge']}")
    click.echo(f"to follow the progress: fastsde status {directory} --watch")
