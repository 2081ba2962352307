"""The shim: starts one container, serves its stdio, remembers how it ended, and says so to whoever asks.

It is forked from the zygote and outlives the daemon. It knows the files of its bundle and the messages of `protocol`;
the command lines of the OCI runtime come with its job. It must not know images, networks or the Engine API.

    <bundle>/                 working directory, so that socket paths stay short
        config.json           written by the daemon
        pid                   written by the runtime: the container's first process
        shim.sock             where a daemon finds us; requests are served one packet at a time
        tty.sock              where the runtime sends a terminal, while it starts; execs bring names of their own
        shim.log              why a shim died, if it did
    <exit_path>               {"code", "oom_killed", "at"}: written before anybody is told

Order of the end: the process is reaped, its output is read to the end, the exit status is on disk, daemons are told,
the runtime's own state is deleted, and when the attached clients have everything the shim ends: its control socket
closing is the sign that the container's name is free for another run.

All children are ours: the shim is a subreaper (prctl(2)), and the runtime leaves the container's process to us. A pid
is not reused before it is reaped, so a signal cannot hit a stranger.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator

from wherry.linux import syscalls
from wherry.shim import protocol
from wherry.shim.children import Children
from wherry.shim.job import Job
from wherry.shim.logfile import LogFile
from wherry.shim.oom import OomCounter
from wherry.shim.streams import Poller, Streams

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar

SOCKET = "shim.sock"
TERMINAL_SOCKET = "tty.sock"
_DRAIN_SECONDS = 0.25
"""How long output is awaited after a process has ended but something else still holds its pipes."""
_TERMINAL_SECONDS = 5.0
"""How long the runtime may take to send a terminal once it has connected."""
_LINGER_SECONDS = 10.0
"""How long a client may take to fetch the last output."""

if TYPE_CHECKING:
    Answer = Callable[[dict[str, Any] | str], None]
    """Sends the reply of a request: a dict for success, a text for an error."""


class Launch:
    """A runtime command that leaves a process behind. Paths are relative to the bundle, `size` is rows, columns."""

    def __init__(
        self, argv: list[str], pid_file: str, log: str, terminal_socket: str, size: tuple[int, int] | None
    ) -> None:
        self.argv = argv
        self.pid_file = pid_file
        self.log = log
        self.terminal_socket = terminal_socket
        self.size = size


class Process:
    """The container's first process, or one that was added by exec. `code` is None until it has ended."""

    def __init__(self, streams: Streams) -> None:
        self.streams = streams
        self.pid = 0
        self.code: int | None = None


class Supervisor:
    def __init__(self, job: Job, control: socket.socket) -> None:
        self._job = job
        self._poller = Poller()
        self._children = Children(self._poller)
        self._timers: list[tuple[float, Callable[[], None]]] = []
        self._daemons: list[socket.socket] = []
        self._execs: dict[str, Process] = {}
        self._oom: OomCounter | None = None
        self._done = False
        self._starting = False
        """A process that was prepared is being let go: its end is told after its start."""
        self._failed = False
        log = LogFile(**job.log) if job.log else None
        streams = Streams(self._poller, terminal=job.terminal, stdin=job.stdin, stdin_once=job.stdin_once, log=log)
        self._log = log
        self._main = Process(streams)
        self._listener = self._listen()
        self._add_daemon(control)

    def attach_early(self, sock: socket.socket, request: protocol.Message) -> None:
        """Attach a client that came before the container was started."""
        self._attach(self._main, sock, request)

    def run(self) -> None:
        """Start the container and serve until it has ended and all is said."""
        self._start()
        while not self._done:
            self._poller.poll(self._until_next_timer())
            self._run_timers()
        self._close()

    def _close(self) -> None:
        self._main.streams.close()
        for connection in list(self._daemons):
            self._drop_daemon(connection)
        self._poller.forget(self._listener.fileno())
        self._listener.close()
        os.unlink(SOCKET)
        self._children.close()
        self._poller.close()

    # Starting

    def _start(self) -> None:
        def started(pid: int) -> None:
            self._main.pid = pid
            self._oom = OomCounter.of(pid)
            self._children.watch(pid, self._main_ended)
            if self._job.start:
                self._let_go(self._job.start, pid, failed)
            else:
                self._tell({"event": "started", "pid": pid, "at": time.time_ns()})

        def failed(message: str) -> None:
            self._failed = True
            self._main.streams.close()
            self._tell({"event": "failed", "message": message, "at": time.time_ns()})
            self._delete_and_end()

        launch = Launch(self._job.run, "pid", self._job.runtime_log, TERMINAL_SOCKET, _size(self._job.size))
        self._launch(self._main, launch, started, failed)

    def _let_go(self, argv: list[str], pid: int, failed: Callable[[str], None]) -> None:
        """The second step of runtimes that create and start: the process runs once this command has succeeded."""

        def ended(code: int, output: bytes) -> None:
            self._starting = False
            if code:
                failed(_reason(self._job.runtime_log, output, f"{argv[0]} ended with status {code}"))
                return
            self._tell({"event": "started", "pid": pid, "at": time.time_ns()})
            if self._main.code is not None:
                self._after_output(self._main, self._report_exit)

        self._starting = True
        self._children.spawn(argv, None, ended)

    def _launch(
        self, process: Process, launch: Launch, started: Callable[[int], None], failed: Callable[[str], None]
    ) -> None:
        """Run the command and connect the stdio of the process it leaves.

        Nothing is read before it has succeeded: until then the runtime itself writes there, the same as to its log.
        """
        with contextlib.suppress(FileNotFoundError):
            os.unlink(launch.pid_file)
        stdio = contextlib.ExitStack()
        if process.streams.terminal:
            stdio.enter_context(self._terminal_socket(process, launch))
            null = os.open(os.devnull, os.O_RDWR)
            stdio.callback(os.close, null)
            child_fds = (null, null, null)
        else:
            child_fds = process.streams.open_pipes()
            for fd in child_fds:
                stdio.callback(os.close, fd)

        def ended(code: int, output: bytes) -> None:
            with stdio:
                pid = _read_pid(launch.pid_file)
                if code or not pid:
                    failed(_reason(launch.log, output, f"{launch.argv[0]} ended with status {code}"))
                    return
                process.streams.start()
                started(pid)

        try:
            self._children.spawn(launch.argv, child_fds, ended)
        except OSError as error:
            stdio.close()
            failed(f"cannot execute {launch.argv[0]}: {error.strerror}")

    @contextlib.contextmanager
    def _terminal_socket(self, process: Process, launch: Launch) -> Iterator[None]:
        """Where the runtime sends a terminal's master end. It gets its size before the process can ask for it."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(launch.terminal_socket)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            listener.bind(launch.terminal_socket)
            listener.listen(1)

            def receive() -> None:
                connection, _ = listener.accept()
                connection.settimeout(_TERMINAL_SECONDS)
                with connection:
                    _, descriptors, _, _ = socket.recv_fds(connection, 4096, 1)
                process.streams.use_terminal(descriptors[0], launch.size)

            self._poller.watch(listener.fileno(), read=receive)
            try:
                yield
            finally:
                self._poller.forget(listener.fileno())
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(launch.terminal_socket)

    # The end

    def _main_ended(self, code: int) -> None:
        self._main.code = code
        if self._job.kill_all and self._oom:
            self._oom.kill_rest()
        if not self._starting and not self._failed:
            self._after_output(self._main, self._report_exit)

    def _after_output(self, process: Process, then: Callable[[], None]) -> None:
        """Call `then` when the output of an ended process has been read, at the latest after a moment.

        The log is complete before that, and the clients see the end after it: who saw the end can ask for the code.
        """
        waiting = True

        def finish() -> None:
            nonlocal waiting
            if waiting:
                waiting = False
                process.streams.flush()
                then()
                process.streams.finish()

        process.streams.drain()
        if process.streams.ended:
            finish()
        else:
            process.streams.on_end(finish)
            self._after(_DRAIN_SECONDS, finish)

    def _report_exit(self) -> None:
        status = {
            "code": self._main.code,
            "oom_killed": bool(self._oom and self._oom.happened()),
            "at": time.time_ns(),
        }
        _write_status(self._job.exit_path, status)
        self._tell({"event": "exited", **status})
        self._delete_and_end()

    def _delete_and_end(self) -> None:
        def deleted(_code: int, _output: bytes) -> None:
            deadline = time.monotonic() + _LINGER_SECONDS
            self._end_when_idle(deadline)

        try:
            self._children.spawn(self._job.delete, None, deleted)
        except OSError:
            deleted(0, b"")

    def _end_when_idle(self, deadline: float) -> None:
        if self._main.streams.idle or time.monotonic() > deadline:
            self._done = True
        else:
            self._after(0.01, lambda: self._end_when_idle(deadline))

    # Daemons and their requests

    def _listen(self) -> socket.socket:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(SOCKET)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)
        listener.bind(SOCKET)
        os.chmod(SOCKET, 0o600)
        listener.listen(4)
        self._poller.watch(listener.fileno(), read=self._accept)
        return listener

    def _accept(self) -> None:
        with contextlib.suppress(BlockingIOError):
            connection, _ = self._listener.accept()
            self._add_daemon(connection)

    def _add_daemon(self, connection: socket.socket) -> None:
        self._daemons.append(connection)
        self._poller.watch(connection.fileno(), read=lambda: self._serve(connection))

    def _drop_daemon(self, connection: socket.socket) -> None:
        if connection in self._daemons:
            self._daemons.remove(connection)
            self._poller.forget(connection.fileno())
            connection.close()

    def _tell(self, notice: protocol.Message) -> None:
        for connection in list(self._daemons):
            self._reply(connection, notice)

    def _reply(self, connection: socket.socket, message: protocol.Message) -> None:
        try:
            protocol.send(connection, message)
        except OSError:
            self._drop_daemon(connection)

    def _serve(self, connection: socket.socket) -> None:
        try:
            packet = protocol.receive(connection)
        except (OSError, ValueError):
            packet = None
        if packet is None:
            self._drop_daemon(connection)
            return
        request, descriptors = packet
        number = request.get("n")

        def answer(result: dict[str, Any] | str) -> None:
            key = "error" if isinstance(result, str) else "ok"
            self._reply(connection, {"n": number, key: result})

        operation = self._OPERATIONS.get(request.get("op", ""))
        if operation is None:
            answer(f"unknown operation {request.get('op')!r}")
            return
        try:
            operation(self, request, descriptors, answer)
        except (OSError, KeyError, TypeError, ValueError) as error:
            answer(f"{request['op']}: {error}")

    def _process(self, request: protocol.Message) -> Process:
        name = request.get("exec")
        return self._execs[name] if name else self._main

    def _op_state(self, _request: protocol.Message, _descriptors: list[int], answer: Answer) -> None:
        execs = {name: {"pid": process.pid, "code": process.code} for name, process in self._execs.items()}
        answer({"pid": self._main.pid, "code": self._main.code, "execs": execs})

    def _op_signal(self, request: protocol.Message, _descriptors: list[int], answer: Answer) -> None:
        process = self._process(request)
        if not process.pid or process.code is not None:
            answer("the process has ended")
            return
        os.kill(process.pid, request["signal"])
        answer({})

    def _op_resize(self, request: protocol.Message, _descriptors: list[int], answer: Answer) -> None:
        self._process(request).streams.resize(request["rows"], request["columns"])
        answer({})

    def _op_attach(self, request: protocol.Message, descriptors: list[int], answer: Answer) -> None:
        """The reply says how far the log had come: live output begins right behind it."""
        position = self._log.position() if self._log else (0, 0)
        self._attach(self._process(request), socket.socket(fileno=descriptors[0]), request)
        answer({"inode": position[0], "size": position[1]})

    def _attach(self, process: Process, sock: socket.socket, request: protocol.Message) -> None:
        if process.code is not None:
            sock.close()
            return
        process.streams.attach(
            sock,
            stdin=request["stdin"],
            outputs=frozenset(request["outputs"]),
            keys=bytes(request["keys"]) if process.streams.terminal else b"",
            framed=request["framed"],
            on_detach=lambda: self._tell({"event": "detached", "exec": request.get("exec", "")}),
        )

    def _op_exec(self, request: protocol.Message, descriptors: list[int], answer: Answer) -> None:
        """Add a process by `argv`; a descriptor, if there is one, is its client from the first byte on."""
        name = request["exec"]
        streams = Streams(self._poller, terminal=request["terminal"], stdin=request["stdin"], stdin_once=True, log=None)
        process = self._execs[name] = Process(streams)
        if descriptors:
            self._attach(process, socket.socket(fileno=descriptors[0]), request)

        def started(pid: int) -> None:
            process.pid = pid
            answer({"pid": pid})
            self._children.watch(pid, lambda code: self._exec_ended(name, process, code))

        def failed(message: str) -> None:
            del self._execs[name]
            streams.close()
            answer(message)

        launch = Launch(
            request["argv"], request["pid_file"], request["log"], request["terminal_socket"], _size(request["size"])
        )
        self._launch(process, launch, started, failed)

    def _exec_ended(self, name: str, process: Process, code: int) -> None:
        def report() -> None:
            process.code = code
            self._tell({"event": "exec-exited", "exec": name, "code": code})
            if self._daemons:
                del self._execs[name]

        self._after_output(process, report)

    def _op_call(self, request: protocol.Message, _descriptors: list[int], answer: Answer) -> None:
        """Run a command of the runtime, such as pause, and answer with its status and output."""
        self._children.spawn(
            request["argv"],
            None,
            lambda code, output: answer({"code": code, "output": _reason(request["log"], output, "")}),
        )

    _OPERATIONS: ClassVar = {
        "state": _op_state,
        "signal": _op_signal,
        "resize": _op_resize,
        "attach": _op_attach,
        "exec": _op_exec,
        "call": _op_call,
    }

    # Timers

    def _after(self, seconds: float, callback: Callable[[], None]) -> None:
        self._timers.append((time.monotonic() + seconds, callback))

    def _until_next_timer(self) -> float | None:
        if not self._timers:
            return None
        return max(0.0, min(due for due, _ in self._timers) - time.monotonic())

    def _run_timers(self) -> None:
        now = time.monotonic()
        due = [callback for when, callback in self._timers if when <= now]
        self._timers = [timer for timer in self._timers if timer[0] > now]
        for callback in due:
            callback()


def main(job: Job, control: socket.socket, early: list[tuple[socket.socket, protocol.Message]]) -> None:
    """Be a shim until the container has ended. Never returns normally to the zygote's code: the caller exits."""
    os.chdir(job.bundle)
    try:
        syscalls.set_name("wherry-shim")
        syscalls.prctl(syscalls.PR_SET_CHILD_SUBREAPER, 1)
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        supervisor = Supervisor(job, control)
        for sock, request in early:
            supervisor.attach_early(sock, request)
        supervisor.run()
    except BaseException:
        import traceback  # needed once in a shim's life at most

        with open("shim.log", "a", encoding="utf-8") as file:
            traceback.print_exc(file=file)
        raise


def _size(size: list[int] | None) -> tuple[int, int] | None:
    return (size[0], size[1]) if size else None


def _write_status(path: str, status: dict[str, Any]) -> None:
    """Rename is enough: a power failure ends the container too, and then its status is unknown by nature."""
    with open(f"{path}.new", "w", encoding="ascii") as file:
        killed = "true" if status["oom_killed"] else "false"
        file.write(f'{{"code":{status["code"]},"oom_killed":{killed},"at":{status["at"]}}}')
    os.rename(f"{path}.new", path)


def _read_pid(path: str) -> int:
    try:
        with open(path, encoding="ascii") as file:
            return int(file.read())
    except (OSError, ValueError):
        return 0


def _reason(log: str, output: bytes, otherwise: str) -> str:
    """Why a runtime failed: the last error of its JSON log, else what it printed."""
    import json  # needed when a start has failed, not by those that run

    with contextlib.suppress(OSError), open(log, "rb") as file:
        for line in reversed(file.read().splitlines()):
            with contextlib.suppress(ValueError, AttributeError, TypeError):
                entry = json.loads(line)
                if entry.get("level") in ("error", "fatal"):
                    return str(entry["msg"])
    return output.decode("utf-8", "replace").strip() or otherwise
