"""A process that writes facts into a lake, from where it is on: `lake_child FOLDER FACTS`."""

import sys

from insight.io.lake import Lake
from insight.io.writer import LakeWriter
from tests.support.lake_facts import FactMaker

BATCH = 300
SOURCE = "record"


def history(facts: int) -> FactMaker:
    """Orders of one to three tea, each placed and paid, over two days."""
    made = FactMaker()
    while len(made.made) < facts:
        order = len(made.made)
        made.order(f"o{order}", ("tea", 1 + order % 3, 500 + order % 7), person=f"p{order % 50}")
        made.at_ms += 2 * 86_400_000 * 2 // facts
    return made


def main(folder: str, facts: int) -> None:
    """Write; a fact that cannot be rejected is none of this test's."""
    writer = LakeWriter(Lake(folder))
    made = history(facts).made
    done = writer.position(SOURCE)
    print("begun", flush=True)
    while done < len(made):
        writer.write(made[done : done + BATCH])
        writer.tidy()
        done += len(made[done : done + BATCH])
        print(done, flush=True)
    writer.refresh()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
