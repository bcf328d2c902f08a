#!/usr/bin/python3
import sys

from agent.cli import main

sys.exit(main())
