"""Makes `containers` importable: test folders are no packages."""

from __future__ import annotations

import os
import sys

sys.path.insert(0, os.path.dirname(__file__))
