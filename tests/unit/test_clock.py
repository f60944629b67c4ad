import time

import pytest

from linvae.training.clock import CpuClock


@pytest.fixture
def hand(monkeypatch):
    """A clock's hand that only the test moves."""

    class Hand:
        seconds = 0.0

    monkeypatch.setattr(time, "process_time", lambda: Hand.seconds)
    return Hand


def test_what_is_done_while_it_is_stopped_does_not_count(hand):
    clock = CpuClock()
    hand.seconds = 2.0
    with clock.stopped():
        hand.seconds = 5.0
    hand.seconds = 6.5
    assert clock.seconds() == 3.5
    with clock.stopped():
        pass
    assert clock.seconds_at == [2.0, 3.5]


def test_it_goes_on_from_a_checkpoint_and_counts_nothing_in_between(hand):
    clock = CpuClock()
    hand.seconds = 2.0
    with clock.stopped():
        pass
    hand.seconds = 3.0
    saved = [*clock.seconds_at, clock.seconds()]
    hand.seconds = 100.0
    again = CpuClock()
    again.restore(saved)
    hand.seconds = 101.0
    assert again.seconds() == 4.0
    assert again.seconds_at == [2.0]


def test_a_start_forgets_what_was_before_it(hand):
    clock = CpuClock()
    hand.seconds = 7.0
    clock.start()
    hand.seconds = 8.0
    assert clock.seconds() == 1.0
