"""Attacks on a running gateway, with the harness and the fixtures of tests/gateway."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "gateway"))
pytest_plugins = ["harness.fixtures"]
