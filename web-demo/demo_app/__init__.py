"""The parts of the demo application."""
