"""How tests run a piece of work in a forked child: one that hangs tells where, and ends."""

from __future__ import annotations

import faulthandler
import os
import sys
import traceback
from collections.abc import Callable

# Less than pytest gives a test, so that the child ends before its parent gives up.
_LONGEST_S = 40.0


def in_child(work: Callable[[], object]) -> None:
    """Runs the work in a forked child; fails when it raises, or does not end."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            faulthandler.dump_traceback_later(_LONGEST_S, exit=True, file=sys.__stderr__)
            work()
            status = 0
        except BaseException:
            traceback.print_exc(file=sys.__stderr__)
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0, "see what the child printed"
