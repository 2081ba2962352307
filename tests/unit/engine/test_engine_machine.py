"""The state machine of containers: every row of the table, and what the restart policy makes of an end."""

from __future__ import annotations

import itertools

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.engine import machine
from wherry.engine.machine import Phase, RestartPolicy, State, Step

SECOND = 10**9
NEVER = RestartPolicy()
ALWAYS = RestartPolicy("always")

EVENTS: dict[Step, machine.Event] = {
    Step.START: machine.StartAsked(),
    Step.STARTED: machine.Started(7, SECOND),
    Step.FAILED: machine.StartFailed(127, "no such file", SECOND),
    Step.STOP: machine.StopAsked(),
    Step.PAUSE: machine.PauseAsked(),
    Step.UNPAUSE: machine.UnpauseAsked(),
    Step.END: machine.Exited(0, SECOND),
    Step.REMOVE: machine.RemoveAsked(),
    Step.REMOVE_FAILED: machine.RemoveFailed("device busy"),
}


@pytest.mark.parametrize(("phase", "step"), list(itertools.product(Phase, EVENTS)))
def test_decide_allows_exactly_what_the_table_lists(phase: Phase, step: Step) -> None:
    state = State(phase=phase)
    expected = machine.TRANSITIONS.get((phase, step))
    if expected is None:
        with pytest.raises(machine.IllegalTransition) as raised:
            machine.decide(state, EVENTS[step], NEVER)
        assert (raised.value.phase, raised.value.step) == (phase, step)
    else:
        assert machine.decide(state, EVENTS[step], NEVER)[0].phase is expected


@given(st.lists(st.sampled_from(list(EVENTS.values())), max_size=40), st.sampled_from([NEVER, ALWAYS]))
def test_any_legal_history_keeps_the_pid_only_while_a_process_lives(
    events: list[machine.Event], policy: RestartPolicy
) -> None:
    state = State()
    for event in events:
        try:
            state, _ = machine.decide(state, event, policy)
        except machine.IllegalTransition:
            continue
        assert (state.pid != 0) == (state.phase in machine.ALIVE)


def run_once(
    state: State, policy: RestartPolicy, *, code: int, lasted: int
) -> tuple[State, tuple[machine.Effect, ...]]:
    started, _ = machine.decide(state, machine.StartAsked(by_user=False), policy)
    running, _ = machine.decide(started, machine.Started(7, 0), policy)
    return machine.decide(running, machine.Exited(code, lasted), policy)


def test_restarts_back_off_from_100_ms_doubling_to_a_minute() -> None:
    state, delays = State(), []
    for _ in range(12):
        state, effects = run_once(state, ALWAYS, code=1, lasted=SECOND)
        delays += [effect.seconds for effect in effects if isinstance(effect, machine.StartAfter)]
    assert delays[:4] == [0.1, 0.2, 0.4, 0.8]
    assert delays[-1] == 60.0
    assert state.restart_count == 12


def test_a_run_of_ten_seconds_resets_the_back_off_but_not_the_count() -> None:
    state, _ = run_once(State(), ALWAYS, code=1, lasted=SECOND)
    state, _ = run_once(state, ALWAYS, code=1, lasted=SECOND)
    state, effects = run_once(state, ALWAYS, code=1, lasted=10 * SECOND)
    assert machine.StartAfter(0.1) in effects
    assert state.restart_count == 3


def test_on_failure_stops_at_its_maximum() -> None:
    policy = RestartPolicy("on-failure", 2)
    state = State()
    phases: list[Phase] = []
    while len(phases) < 3:
        state, _ = run_once(state, policy, code=1, lasted=0)
        phases.append(state.phase)
    assert phases == [Phase.RESTARTING, Phase.RESTARTING, Phase.EXITED]


def test_on_failure_accepts_success() -> None:
    state, _ = run_once(State(), RestartPolicy("on-failure"), code=0, lasted=0)
    assert state.phase is Phase.EXITED


@pytest.mark.parametrize("name", ["always", "unless-stopped", "on-failure"])
def test_a_stop_by_a_user_ends_every_policy(name: str) -> None:
    policy = RestartPolicy(name)
    running = State(phase=Phase.RUNNING, pid=7)
    stopping, _ = machine.decide(running, machine.StopAsked(), policy)
    ended, effects = machine.decide(stopping, machine.Exited(143, SECOND), policy)
    assert ended.phase is Phase.EXITED
    assert effects == (machine.TearDown(),)


def test_a_user_start_forgets_earlier_restarts_and_stops() -> None:
    before = State(phase=Phase.EXITED, restart_count=4, retries_in_row=4, stop_asked=True, error="old")
    after, effects = machine.decide(before, machine.StartAsked(), ALWAYS)
    assert (after.restart_count, after.retries_in_row, after.stop_asked, after.error) == (0, 0, False, "")
    assert effects == (machine.Launch(),)


def test_a_first_start_that_fails_is_not_retried_and_keeps_code_and_text() -> None:
    starting, _ = machine.decide(State(), machine.StartAsked(), ALWAYS)
    failed, _ = machine.decide(starting, machine.StartFailed(127, "no such file", 5), ALWAYS)
    assert (failed.phase, failed.exit_code, failed.error, failed.started_at) == (Phase.EXITED, 127, "no such file", 0)


@pytest.mark.parametrize(
    ("name", "stop_asked", "again"),
    [("always", True, True), ("unless-stopped", True, False), ("unless-stopped", False, True), ("no", False, False)],
)
def test_what_is_started_with_the_daemon(name: str, stop_asked: bool, again: bool) -> None:
    assert RestartPolicy(name).after_daemon_start(1, stop_asked=stop_asked, restarts=0) is again


def test_state_survives_storage() -> None:
    state = State(phase=Phase.PAUSED, pid=3, started_at=4)
    assert msgspec.json.decode(msgspec.json.encode(state), type=State) == state
