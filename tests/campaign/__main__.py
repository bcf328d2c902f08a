"""A household under fire: `tools/campaign --minutes N --seed S`. Ends with 1 where a promise was broken.

Real parts in network namespaces: clients that ask all the time, devices that are switched on and off, and faults at
random instants. After each an oracle looks at what is kept. The same seed makes the same faults; a run that fails is
cut down to its shortest script, which `--script` runs again.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Iterable

from tests.campaign.campaign import Campaign, report, story
from tests.campaign.faults import FAULTS
from tests.campaign.plan import Injection, cut, injections, read
from tests.lab.lab import missing


def main() -> int:
    options = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was mounted is unmounted
    if reason := missing():
        print(f"{reason}: try sudo tools/campaign", file=sys.stderr)
        return 3
    kinds = options.only.split(",") if options.only else list(FAULTS)
    script = read(options.script) if options.script else injections(options.seed, kinds)
    failed = one_run(script, options.seed, options.minutes, told=True)
    if not failed:
        return 0
    if options.cut_minutes:
        print(f"cutting a script of {len(failed)} injections, {options.cut_minutes:g} minutes at most", flush=True)
        shortest = cut(failed, lambda part: bool(one_run(part, options.seed)), options.cut_minutes * 60)
        print(f"shortest that still fails ({len(shortest)}), if the first is no chance:")
        print(f'  tools/campaign --seed {options.seed} --script "{" ".join(map(str, shortest))}"')
    return 1


def one_run(script: Iterable[Injection], seed: int, minutes: float = 60.0, told: bool = False) -> list[Injection]:
    """The injections up to the one that broke something; [] where nothing did."""
    campaign = Campaign(seed)
    try:
        well = campaign.run(script, time.monotonic() + minutes * 60)
        before = story(campaign)
        campaign.finish()
        if told:
            print(report(campaign))
            for outcome in campaign.outcomes:
                for sentence in outcome.wrong:
                    print(f"BROKEN at {outcome.injection}: {sentence}")
            if not well:
                print(before)
            sys.stdout.flush()
        well = well and not campaign.outcomes[-1].wrong
        return [] if well else [outcome.injection for outcome in campaign.outcomes if outcome.injection.kind in FAULTS]
    finally:
        campaign.close()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="tools/campaign", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", help="kinds of faults, a,b: " + ", ".join(FAULTS))
    parser.add_argument("--script", help="injections as they were printed, instead of the seed's")
    parser.add_argument("--cut-minutes", type=float, default=5.0, help="how long a failing run is cut; 0: not")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
