"""Ctrl-C, TERM and HUP stop alike, and never in the middle of what must be whole."""

import signal

import pytest

from elp.files.stops import STOPS, Stopped, as_interrupts, noticed, number, postponed


@pytest.fixture(autouse=True)
def default_handlers():
    before = {n: signal.getsignal(n) for n in STOPS}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for n in set(STOPS) - {signal.SIGINT}:
        signal.signal(n, signal.SIG_DFL)
    yield
    for n, handler in before.items():
        signal.signal(n, handler)


@pytest.mark.parametrize("sent", STOPS)
def test_every_signal_to_stop_is_an_interrupt(sent):
    as_interrupts()
    with pytest.raises(KeyboardInterrupt) as stop:
        signal.raise_signal(sent)
    assert number(stop.value) == sent


def test_an_ignored_signal_stays_ignored():
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    as_interrupts()
    signal.raise_signal(signal.SIGHUP)
    with noticed() as asked:
        signal.raise_signal(signal.SIGHUP)
    assert not asked


@pytest.mark.parametrize("sent", STOPS)
def test_the_first_is_noticed_and_the_second_stops(sent):
    as_interrupts()
    steps = []
    with pytest.raises(KeyboardInterrupt), noticed() as asked:
        signal.raise_signal(sent)
        steps.append(list(asked))
        signal.raise_signal(sent)
        steps.append("never")
    assert steps == [[sent]]


@pytest.mark.parametrize("sent", STOPS)
def test_what_must_be_whole_is_finished_first(sent):
    as_interrupts()
    done = []
    with pytest.raises(KeyboardInterrupt), postponed():
        signal.raise_signal(sent)
        done.append("whole")
    assert done == ["whole"] and signal.getsignal(sent) is not None


def test_stopped_is_an_interrupt_with_a_sentence():
    assert issubclass(Stopped, KeyboardInterrupt) and str(Stopped("saved")) == "saved"
