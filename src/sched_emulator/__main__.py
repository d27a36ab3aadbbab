"""`python -m sched_emulator` is `sched-emulator`."""

import sys

from .cli import main

sys.exit(main())
