"""Counts the tests that were skipped, so that a skip cannot hide a hole: a pytest plugin.

A test that cannot run everywhere declares it by `@pytest.mark.requires("what")`. In CI, any other skip fails the run.
"""

from __future__ import annotations

import os

import pytest


def _undeclared(reporter: pytest.TerminalReporter) -> list[str]:
    reports = reporter.getreports("skipped")
    return [report.nodeid for report in reports if "requires" not in getattr(report, "keywords", ())]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = len(terminalreporter.getreports("skipped"))
    undeclared = _undeclared(terminalreporter)
    terminalreporter.write_line(f"tests skipped: {skipped}, without saying what they require: {len(undeclared)}")
    for test in undeclared:
        terminalreporter.write_line(f"  {test}")


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.getplugin("terminalreporter")
    passed = session.exitstatus == pytest.ExitCode.OK
    if os.environ.get("CI") == "true" and reporter is not None and passed and _undeclared(reporter):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
