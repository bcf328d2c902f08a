"""What the daemon is handed beside its settings: its clock, its pace, and what is done at each of its steps."""

from agent.daemon.clock import Clock


class Pace:
    """The product's. The tests of the promises hand in theirs: a week passes in a second, a step ends the process."""

    lists_due_s = 5.0  # between two looks whether an update is due
    report_tick_s = 30.0  # between two looks, on average, whether a report has something to do

    def clock(self, saved: str, awaited: str) -> Clock:
        return Clock(saved, awaited)

    def step(self, name: str) -> None:
        """About to take this step of those in ARCHITECTURE's tables."""
