"""The life of a container, as a table and a pure function over it.

Two rules hold for the whole engine. Only `decide` moves a container from one phase to another; and it does nothing
else: it returns the new state and the effects that make it true, as values. `lifecycle` persists the state first, runs
the effects next and feeds back what came of them as the next event. So a crash at any moment leaves a phase on disk
from which `restore` can go on: it asks the shim what is true and feeds the event that says so.

    created ──start──▶ starting ──started──▶ running ◀──pause/unpause──▶ paused
                          ▲ ▲                   │ │                        │
                 start    │ │ due          exit │ └──stop──▶ stopping ◀────┘ stop
         exited ──────────┘ └──── restarting ◀──┤              │ exit
           ▲                                    │              │
           └────────────────────────────────────┴──────────────┘

    anything that does not run ──remove──▶ removing ──▶ (gone), or dead if that failed half way

Docker's overlapping booleans (Running, Paused, Restarting, Dead) are derived from the phase at the edge. "Already
running" and "already stopped" are not errors but answers, so the table does not list them: `decide` is not asked.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

import msgspec

from wherry import errors


class Phase(enum.Enum):
    CREATED = "created"
    STARTING = "starting"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPING = "stopping"
    RESTARTING = "restarting"
    EXITED = "exited"
    REMOVING = "removing"
    DEAD = "dead"


ALIVE: Final = frozenset({Phase.RUNNING, Phase.PAUSED, Phase.STOPPING})
"""Phases in which a process exists and is known to us."""


class Step(enum.Enum):
    """What moves a container. A `Step` is the column of the table; the events below carry the details."""

    START = "start"
    STARTED = "started"
    FAILED = "start failed"
    STOP = "stop"
    PAUSE = "pause"
    UNPAUSE = "unpause"
    END = "end"
    RETRY = "end, to be restarted"
    REMOVE = "remove"
    REMOVE_FAILED = "remove failed"


TRANSITIONS: Final[dict[tuple[Phase, Step], Phase]] = {
    (Phase.CREATED, Step.START): Phase.STARTING,
    (Phase.EXITED, Step.START): Phase.STARTING,
    (Phase.RESTARTING, Step.START): Phase.STARTING,
    (Phase.STARTING, Step.STARTED): Phase.RUNNING,
    (Phase.STARTING, Step.FAILED): Phase.EXITED,
    (Phase.STARTING, Step.RETRY): Phase.RESTARTING,
    (Phase.STARTING, Step.END): Phase.EXITED,
    (Phase.RUNNING, Step.PAUSE): Phase.PAUSED,
    (Phase.PAUSED, Step.UNPAUSE): Phase.RUNNING,
    (Phase.RUNNING, Step.STOP): Phase.STOPPING,
    (Phase.PAUSED, Step.STOP): Phase.STOPPING,
    (Phase.STOPPING, Step.STOP): Phase.STOPPING,
    (Phase.RESTARTING, Step.STOP): Phase.EXITED,
    (Phase.RUNNING, Step.END): Phase.EXITED,
    (Phase.PAUSED, Step.END): Phase.EXITED,
    (Phase.STOPPING, Step.END): Phase.EXITED,
    (Phase.RUNNING, Step.RETRY): Phase.RESTARTING,
    (Phase.PAUSED, Step.RETRY): Phase.RESTARTING,
    (Phase.STOPPING, Step.RETRY): Phase.RESTARTING,
    (Phase.CREATED, Step.REMOVE): Phase.REMOVING,
    (Phase.EXITED, Step.REMOVE): Phase.REMOVING,
    (Phase.RESTARTING, Step.REMOVE): Phase.REMOVING,
    (Phase.DEAD, Step.REMOVE): Phase.REMOVING,
    (Phase.REMOVING, Step.REMOVE): Phase.REMOVING,
    (Phase.REMOVING, Step.REMOVE_FAILED): Phase.DEAD,
}


class IllegalTransition(errors.Conflict):
    def __init__(self, phase: Phase, step: Step) -> None:
        super().__init__(f"a container that is {phase.value} cannot take the step {step.value!r}")
        self.phase = phase
        self.step = step


class State(msgspec.Struct, frozen=True, kw_only=True):
    """What changes about a container. Times are nanoseconds since 1970, 0 for never."""

    phase: Phase = Phase.CREATED
    pid: int = 0
    exit_code: int = 0
    error: str = ""
    oom_killed: bool = False
    started_at: int = 0
    finished_at: int = 0
    restart_count: int = 0
    retries_in_row: int = 0
    """Automatic restarts since the last run of ten seconds or more: the exponent of the back-off."""
    stop_asked: bool = False
    """A user has ended this run on purpose, so no restart policy applies."""


@dataclass(frozen=True, slots=True)
class StartAsked:
    by_user: bool = True


@dataclass(frozen=True, slots=True)
class Started:
    pid: int
    at: int


@dataclass(frozen=True, slots=True)
class StartFailed:
    """`code` is 126, 127 or 128 as Docker defines them."""

    code: int
    message: str
    at: int


@dataclass(frozen=True, slots=True)
class StopAsked:
    """A stop, or a kill that Docker counts as one."""


@dataclass(frozen=True, slots=True)
class PauseAsked:
    pass


@dataclass(frozen=True, slots=True)
class UnpauseAsked:
    pass


@dataclass(frozen=True, slots=True)
class Exited:
    code: int
    at: int
    oom_killed: bool = False


@dataclass(frozen=True, slots=True)
class RemoveAsked:
    pass


@dataclass(frozen=True, slots=True)
class RemoveFailed:
    message: str


Event = StartAsked | Started | StartFailed | StopAsked | PauseAsked | UnpauseAsked | Exited | RemoveAsked | RemoveFailed


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """`name` is one of no, always, unless-stopped, on-failure; `maximum` counts only for on-failure, 0 for no limit."""

    name: str = "no"
    maximum: int = 0

    def applies(self, code: int, restarts: int) -> bool:
        match self.name:
            case "always" | "unless-stopped":
                return True
            case "on-failure":
                return code != 0 and (self.maximum == 0 or restarts < self.maximum)
        return False

    def after_daemon_start(self, code: int, *, stop_asked: bool, restarts: int) -> bool:
        """Whether a container found ended when the daemon starts is started again."""
        if self.name == "always":
            return True
        return not stop_asked and self.applies(code, restarts)


@dataclass(frozen=True, slots=True)
class Launch:
    """Mount, connect, start the task; answer with Started or StartFailed."""


@dataclass(frozen=True, slots=True)
class TearDown:
    """Give back what a run held: network, mounts, bundle."""


@dataclass(frozen=True, slots=True)
class Freeze:
    pass


@dataclass(frozen=True, slots=True)
class Thaw:
    pass


@dataclass(frozen=True, slots=True)
class StartAfter:
    """Feed StartAsked(by_user=False) after a delay in seconds, unless something else happens first."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Erase:
    """Remove everything the container has; answer with RemoveFailed if that cannot be done."""


Effect = Launch | TearDown | Freeze | Thaw | StartAfter | Erase

STEADY_RUN: Final = 10 * 10**9
"""A run that lasted so many nanoseconds resets the back-off."""
_FIRST_DELAY: Final = 0.1
_LONGEST_DELAY: Final = 60.0


def delay(retries: int) -> float:
    """Seconds to wait before the automatic restart number `retries`, counted from 0."""
    return min(_FIRST_DELAY * (1 << min(retries, 16)), _LONGEST_DELAY)


def decide(state: State, event: Event, policy: RestartPolicy) -> tuple[State, tuple[Effect, ...]]:
    """The state that follows and the effects to run, in order. IllegalTransition if the table has no such row."""
    match event:
        case StartAsked(by_user):
            counts = {"restart_count": 0, "retries_in_row": 0} if by_user else {}
            return _move(state, Step.START, error="", oom_killed=False, stop_asked=False, **counts), (Launch(),)
        case Started(pid, at):
            return _move(state, Step.STARTED, pid=pid, started_at=at, exit_code=0, finished_at=0), ()
        case StartFailed(code, message, at):
            return _start_failed(state, code, message, at, policy)
        case StopAsked():
            return _move(state, Step.STOP, stop_asked=True), ()
        case PauseAsked():
            return _move(state, Step.PAUSE), (Freeze(),)
        case UnpauseAsked():
            return _move(state, Step.UNPAUSE), (Thaw(),)
        case Exited():
            return _exited(state, event, policy)
        case RemoveAsked():
            return _move(state, Step.REMOVE), (Erase(),)
        case RemoveFailed(message):
            return _move(state, Step.REMOVE_FAILED, error=message), ()


def _move(state: State, step: Step, **changes: object) -> State:
    phase = TRANSITIONS.get((state.phase, step))
    if phase is None:
        raise IllegalTransition(state.phase, step)
    return msgspec.structs.replace(state, phase=phase, **changes)


def _start_failed(
    state: State, code: int, message: str, at: int, policy: RestartPolicy
) -> tuple[State, tuple[Effect, ...]]:
    """A first start that fails is the user's to mend; one that fails in a series of restarts is tried again."""
    if state.restart_count and not state.stop_asked and policy.applies(code, state.restart_count):
        return _retry(state, code, at, oom_killed=False, error=message)
    finished = at if state.started_at else 0
    return _move(state, Step.FAILED, pid=0, exit_code=code, error=message, finished_at=finished), (TearDown(),)


def _exited(state: State, event: Exited, policy: RestartPolicy) -> tuple[State, tuple[Effect, ...]]:
    if not state.stop_asked and policy.applies(event.code, state.restart_count):
        return _retry(state, event.code, event.at, oom_killed=event.oom_killed, error="")
    ended = _move(state, Step.END, pid=0, exit_code=event.code, oom_killed=event.oom_killed, finished_at=event.at)
    return ended, (TearDown(),)


def _retry(state: State, code: int, at: int, *, oom_killed: bool, error: str) -> tuple[State, tuple[Effect, ...]]:
    steady = at - state.started_at >= STEADY_RUN
    retries = 0 if steady else state.retries_in_row
    waiting = _move(
        state,
        Step.RETRY,
        pid=0,
        exit_code=code,
        oom_killed=oom_killed,
        error=error,
        finished_at=at,
        restart_count=state.restart_count + 1,
        retries_in_row=retries + 1,
    )
    return waiting, (TearDown(), StartAfter(delay(retries)))
