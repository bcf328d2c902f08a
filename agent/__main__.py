"""`python -m agent` is the command `privacy-agent`."""

import sys

from agent.cli import main

sys.exit(main())
