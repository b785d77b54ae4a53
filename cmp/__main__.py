"""Run as `python -m cmp`."""

import sys

from cmp.cli import main

sys.exit(main())
