"""The fixtures are shared with tests/security."""
pytest_plugins = ["harness.fixtures"]
