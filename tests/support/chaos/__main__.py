"""`make chaos SEED=7`: plays the faults of one seed and says what held (docs/chaos.md)."""

import argparse
import asyncio
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.support.chaos.run import Plan, chaos
from tests.support.chaos.schedule import Kind, draw
from tests.support.chaos.verdict import Exit, Outcome, report

INSIDE = "CHAOS_INSIDE"
ERRORS_SHOWN = 8


def main() -> None:
    """Play it in namespaces of its own: when this process ends, everything ends."""
    options = _options()
    seeds = tuple(range(options.seed, options.seed + options.seeds))
    plan = Plan(seeds, options.faults, loss=options.loss, only=tuple(options.only))
    if options.dry_run:
        for seed in seeds:
            print(f"seed {seed}")
            for fault in draw(seed, faults=plan.faults, workers=plan.workers):
                print(f"{fault.at_s:5.1f} s  {fault}")
        return
    if INSIDE not in os.environ:
        if os.geteuid() or shutil.which("unshare") is None:
            sys.exit("only root may make network namespaces, with unshare of util-linux")
        os.environ[INSIDE] = "1"
        space = ("unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc")
        os.execvp("unshare", [*space, sys.executable, "-m", "tests.support.chaos", *sys.argv[1:]])
    sys.exit(_play(plan, keep=options.keep))


def _play(plan: Plan, *, keep: bool) -> Exit:
    folder = Path(tempfile.mkdtemp(prefix="chaos"))
    folder.chmod(0o755)  # PostgreSQL runs as a user of its own
    exits = asyncio.run(_run(plan, folder))
    worst = next(code for code in (Exit.BROKEN, Exit.LATE, Exit.HELD) if code in exits)
    if keep or worst is Exit.BROKEN:
        print(f"logs are in {folder}")
    else:
        shutil.rmtree(folder, ignore_errors=True)
    return worst


async def _run(plan: Plan, folder: Path) -> list[Exit]:
    began = time.monotonic()

    def tell(text: str) -> None:
        print(f"[{time.monotonic() - began:5.1f}] {text}", file=sys.stderr, flush=True)

    async with chaos(plan, folder, tell) as running:
        return [_told(await running.play(seed)) for seed in plan.seeds]


def _told(outcome: Outcome) -> Exit:
    print(report(outcome))
    for text, count in outcome.errors.most_common(ERRORS_SHOWN):
        print(f"{count:>7} × {text}")
    print(
        f"        load of the machine: {os.getloadavg()[0]:.0f} on {os.cpu_count()} cores\n",
        flush=True,
    )
    return outcome.exit_code


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.support.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="which schedule of faults")
    parser.add_argument("--seeds", type=int, default=1, help="how many, one after the other")
    parser.add_argument("--faults", type=int, default=len(Kind), help="how many")
    parser.add_argument("--loss", type=float, default=0.02, help="between the nodes, 0 to 1")
    parser.add_argument(
        "--only", type=Kind, nargs="*", default=[], choices=list(Kind), help="faults to keep"
    )
    parser.add_argument("--dry-run", action="store_true", help="print the schedule alone")
    parser.add_argument("--keep", action="store_true", help="keep the logs")
    return parser.parse_args()


if __name__ == "__main__":
    main()
