import os
import socket
import time

import pytest

from agent.daemon.loop import Loop


@pytest.fixture
def pair():
    opened = []

    def make():
        opened.extend(socket.socketpair())
        return opened[-2:]

    yield make
    for end in opened:
        end.close()


def run_for(loop, seconds):
    loop.after(seconds, loop.stop)
    loop.run()


def test_reads_when_there_is_something_to_read(pair):
    loop = Loop()
    ours, theirs = pair()
    got = []

    def read():
        got.append(ours.recv(10))
        loop.stop()

    loop.add(ours, read)
    theirs.send(b"hello")
    loop.run()
    assert got == [b"hello"]


def test_a_removed_descriptor_is_left_alone(pair):
    loop = Loop()
    first, first_end = pair()
    second, second_end = pair()
    called = []
    for name, own, other in (("first", first, second), ("second", second, first)):
        loop.add(own, lambda name=name, other=other: (called.append(name), loop.remove(other)))
    first_end.send(b"x")
    second_end.send(b"x")
    loop.after(0.02, loop.stop)
    loop.run()
    # Both were readable in the same turn; whichever came first removed the other.
    assert len(set(called)) == 1
    loop.remove(first)
    loop.remove(first)


def test_a_descriptors_number_may_be_used_again(pair):
    loop = Loop()
    first, _first_end = pair()
    number = first.fileno()
    loop.add(first, lambda: pytest.fail("of the one that is closed"))
    loop.remove(first)
    first.close()
    second, second_end = pair()
    assert number in (second.fileno(), second_end.fileno())
    got = []
    reader, writer = (second, second_end) if second.fileno() == number else (second_end, second)
    loop.add(reader, lambda: (got.append(reader.recv(1)), loop.stop()))
    writer.send(b"x")
    loop.run()
    assert got == [b"x"]


def test_more_descriptors_than_a_turn_takes_are_all_read(pair):
    loop = Loop()
    waiting = {}
    for _ in range(100):
        ours, theirs = pair()
        waiting[ours.fileno()] = theirs
        loop.add(ours, lambda ours=ours: (ours.recv(1), waiting.pop(ours.fileno()), waiting or loop.stop()))
        theirs.send(b"x")
    loop.run()
    assert waiting == {}


def test_writable_is_asked_for_separately_and_can_be_dropped(pair):
    loop = Loop()
    ours, _theirs = pair()
    written = []

    def write():
        written.append(1)
        loop.add(ours, None)

    loop.add(ours, None, write)
    run_for(loop, 0.02)
    assert written == [1]


def test_hang_up_wakes_the_reader(pair):
    loop = Loop()
    ours, theirs = pair()
    got = []

    def read():
        got.append(ours.recv(1))
        loop.stop()

    loop.add(ours, read)
    theirs.close()
    loop.run()
    assert got == [b""]


def test_timers_run_in_order_of_their_time_and_not_early():
    loop = Loop()
    seen = []
    start = loop.now
    loop.after(0.03, lambda: seen.append(("late", loop.now - start)))
    loop.after(0.01, lambda: seen.append(("early", loop.now - start)))
    run_for(loop, 0.05)
    assert [name for name, _ in seen] == ["early", "late"]
    assert seen[0][1] >= 0.01 and seen[1][1] >= 0.03


def test_a_cancelled_timer_stays_silent():
    loop = Loop()
    timer = loop.after(0.001, lambda: pytest.fail("cancelled"))
    timer.cancel()
    run_for(loop, 0.01)


def test_every_repeats_until_cancelled_also_from_inside():
    loop = Loop()
    ticks = []

    def tick():
        ticks.append(loop.now)
        if len(ticks) == 3:
            repeat.cancel()

    repeat = loop.every(0.005, tick)
    run_for(loop, 0.1)
    assert len(ticks) == 3


def test_a_timer_that_sets_a_due_timer_does_not_hold_the_loop(pair):
    loop = Loop()
    ours, theirs = pair()
    count = [0]

    def again():
        count[0] += 1
        loop.after(0, again)

    loop.add(ours, loop.stop)
    loop.after(0, again)
    theirs.send(b"x")
    loop.run()
    assert count[0] < 3


def test_a_task_takes_one_step_a_turn_and_others_run_between():
    loop = Loop()
    order = []

    def steps(name, count):
        for number in range(count):
            order.append((name, number))
            yield

    loop.task(steps("a", 3))
    loop.task(steps("b", 2))
    run_for(loop, 0.02)
    assert order == [("a", 0), ("b", 0), ("a", 1), ("b", 1), ("a", 2)]


def test_an_exception_in_a_callback_ends_the_run():
    loop = Loop()

    def fail():
        raise ZeroDivisionError

    loop.after(0, fail)
    with pytest.raises(ZeroDivisionError):
        loop.run()


def test_the_heart_beats_while_the_loop_turns_but_not_more_often():
    loop = Loop()
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    loop.heartbeat(write_end)
    loop.every(0.005, lambda: None)
    run_for(loop, 0.7)
    assert os.read(read_end, 100) == b"..."


def test_an_idle_loop_beats_too():
    loop = Loop()
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    loop.heartbeat(write_end)
    run_for(loop, 0.4)
    assert os.read(read_end, 100) == b".."


def test_a_full_heartbeat_pipe_does_not_block():
    loop = Loop()
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    with pytest.raises(BlockingIOError):
        while True:
            os.write(write_end, bytes(4096))
    loop.heartbeat(write_end)
    run_for(loop, 0.01)
    os.close(read_end)


def test_the_loop_stops_when_the_guard_is_gone():
    loop = Loop()
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    os.close(read_end)
    loop.heartbeat(write_end)
    started = time.monotonic()
    loop.run()
    assert time.monotonic() - started < 0.5


def test_now_is_the_time_of_the_turn():
    loop = Loop()
    times = []

    def slow():
        times.append(loop.now)
        time.sleep(0.01)
        times.append(loop.now)
        loop.stop()

    loop.after(0, slow)
    loop.run()
    assert times[0] == times[1]


def test_a_stop_before_the_first_turn_is_not_lost() -> None:
    loop = Loop()
    loop.stop()
    loop.after(0, lambda: pytest.fail("it turned"))
    loop.run()
