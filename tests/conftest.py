"""For all tests in Python: a run in which every test was skipped ends with 77, which ctest shows as skipped and not as
passed. Without any test pytest ends with 5."""
ALL_SKIPPED = 77


def pytest_sessionfinish(session, exitstatus):
    outcomes = session.config.pluginmanager.get_plugin("terminalreporter").stats
    if exitstatus == 0 and outcomes.get("skipped") and not any(outcomes.get(ran) for ran in ("passed", "xfailed", "xpassed")):
        session.exitstatus = ALL_SKIPPED
