"""torch is in no lock file (gigabytes): tests of what needs it are collected where somebody has installed it."""

from __future__ import annotations

from importlib.util import find_spec

collect_ignore = [] if find_spec("torch") else ["test_learning.py", "test_teacher.py"]
