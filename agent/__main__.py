"""`python -m agent` is the command `privacy-agent`."""

import sys

try:
    from agent.entry import main  # here: Ctrl-C while it is read is no fault either

    code = main()
except KeyboardInterrupt:
    print("privacy-agent: interrupted", file=sys.stderr)
    code = 130
sys.exit(code)
