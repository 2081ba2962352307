"""The phases of a container in Docker's overlapping booleans and phrases."""

from __future__ import annotations

from typing import Any

from wherry.engine.machine import Phase, State
from wherry.server.render.times import spoken, stamp

_RUNNING = frozenset({Phase.RUNNING, Phase.PAUSED, Phase.STOPPING, Phase.RESTARTING})


def status(state: State) -> str:
    """Docker's one word for it: `starting` and `stopping` are ours alone."""
    match state.phase:
        case Phase.STARTING | Phase.EXITED:
            return "exited" if state.started_at else "created"
        case Phase.STOPPING:
            return "running"
    name: str = state.phase.value
    return name


def inspect(state: State) -> dict[str, Any]:
    """`State` of inspect. While it waits to be restarted a container counts as running."""
    return {
        "Status": status(state),
        "Running": state.phase in _RUNNING,
        "Paused": state.phase is Phase.PAUSED,
        "Restarting": state.phase is Phase.RESTARTING,
        "OOMKilled": state.oom_killed,
        "Dead": state.phase is Phase.DEAD,
        "Pid": state.pid,
        "ExitCode": state.exit_code,
        "Error": state.error,
        "StartedAt": stamp(state.started_at),
        "FinishedAt": stamp(state.finished_at),
    }


def phrase(state: State, now: int) -> str:
    """The STATUS of `docker ps`; `now` in nanoseconds since 1970."""
    match state.phase:
        case Phase.PAUSED:
            return f"Up {spoken(now - state.started_at)} (Paused)"
        case Phase.RUNNING | Phase.STOPPING:
            return f"Up {spoken(now - state.started_at)}"
        case Phase.RESTARTING:
            return f"Restarting ({state.exit_code}) {spoken(now - state.finished_at)} ago"
        case Phase.REMOVING:
            return "Removal In Progress"
        case Phase.DEAD:
            return "Dead"
    if not state.started_at:
        return "Created"
    return f"Exited ({state.exit_code}) {spoken(now - state.finished_at)} ago"
