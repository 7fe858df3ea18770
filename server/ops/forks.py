"""What must not happen between fork and exec of a child."""

import gc
import os


def collect_nothing_between_fork_and_exec() -> None:
    """Keep the garbage collector off in children that have not called exec yet.

    uvloop runs Python's fork handlers in the child, where a collection may begin. If it frees a
    codec, FFmpeg waits for the codec's threads, which the child has not got; and the parent, with
    its event loop, waits for the child.
    """
    os.register_at_fork(before=gc.disable, after_in_parent=gc.enable)
