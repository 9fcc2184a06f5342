"""The fixtures are shared with tests/security."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
pytest_plugins = ["harness.fixtures"]
