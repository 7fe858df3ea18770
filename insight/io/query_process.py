"""SQL on the lake in a process of its own, so that reading its rows stops nothing else.

The engine holds the interpreter's lock while rows are read, from the first file to the last: in a
server, every live of the process would wait. The process starts with the first query, at low
priority, and ends when nothing was asked for `IDLE_S`, or with this one, however that ends.
"""

import contextlib
import os
import pickle
import select
import subprocess
import sys
import threading
from typing import IO, Any

from insight.errors import BadQuery
from insight.io.lake import ROWS_MAX, Lake

IDLE_S = 300.0
NICENESS = 10
END_S_MAX = 5.0

Rows = tuple[list[str], list[tuple[Any, ...]]]


class QueryProcess(Lake):
    """A lake whose `sql` runs there; one query at a time, from any thread. `close` it."""

    def __init__(self, lake: Lake) -> None:
        super().__init__(lake._url, lake._options)
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def sql(self, query: str, rows_max: int | None = ROWS_MAX) -> Rows:
        """See `Lake.sql`."""
        with self._lock:
            try:
                found: Rows | str = self._ask(query, rows_max)
            except (OSError, EOFError, pickle.UnpicklingError):
                self._end()
                raise BadQuery("the process of queries ended") from None
        if isinstance(found, str):
            raise BadQuery(found)
        return found

    def close(self) -> None:
        """End the process; idempotent."""
        with self._lock:
            self._end()

    def _ask(self, query: str, rows_max: int | None) -> Rows | str:
        if self._process is not None and self._process.poll() is not None:
            self._end()
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        questions, answers = self._process.stdin, self._process.stdout
        assert questions is not None and answers is not None
        # Not by its arguments, as options have secrets.
        pickle.dump((self._url, self._options, query, rows_max), questions)
        questions.flush()
        found: Rows | str = pickle.load(answers)
        return found

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        try:
            process.wait(END_S_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answer(questions: IO[bytes], answers: IO[bytes]) -> None:
    """Answer queries until none comes any more."""
    lake: Lake | None = None
    # A question comes only after the answer before it, so that none waits in a buffer.
    while select.select([questions], [], [], IDLE_S)[0]:
        try:
            url, options, query, rows_max = pickle.load(questions)
        except EOFError:
            return
        lake = lake or Lake(url, options)
        try:
            found: Rows | str = lake.sql(query, rows_max)
        except BadQuery as error:
            found = error.reason
        answers.write(pickle.dumps(found))
        answers.flush()


if __name__ == "__main__":
    with contextlib.suppress(OSError):
        os.nice(NICENESS)
    _answer(sys.stdin.buffer, sys.stdout.buffer)
