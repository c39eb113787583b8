"""Threads and forked processes: silence that costs nobody's words, and work without the parent's
threads.
"""

import ctypes
import os
import signal
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="asks the C library of Linux")


def test_what_c_logs_is_dropped_and_nothing_else(capfd):
    from elp.media.network import unlogged

    libc = ctypes.CDLL(None)
    stderr = ctypes.c_void_p.in_dll(libc, "stderr")
    before = os.fstat(2)
    for _ in range(2):  # also where C has written in between
        with unlogged():
            libc.fprintf(stderr, b"chatter %s\n", b"of two words")
            os.write(2, b"a thread's words\n")
            assert os.path.samestat(os.fstat(2), before)
        libc.fputs(b"later\n", stderr)
    assert capfd.readouterr().err == "a thread's words\nlater\n" * 2


def test_a_forked_process_computes_alone():
    import torch

    import elp  # noqa: F401  which sees to it

    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        x = torch.rand(1 << 18)
        x.exp().sum()  # the threads are there
        if not (child := os.fork()):
            signal.alarm(20)  # it would wait for ever
            right = bool(x.exp().sum() > 0) and bool(x @ x > 0) and torch.get_num_threads() == 1
            os._exit(0 if right else 1)
        assert os.waitpid(child, 0)[1] == 0
    finally:
        torch.set_num_threads(threads)
