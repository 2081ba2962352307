"""What a request and an image mean together, with Docker's rules and refusals."""

from __future__ import annotations

import pytest
from msgspec import UNSET

from wherry import errors
from wherry.api import types as api
from wherry.engine import plan
from wherry.oci.image_config import Execution

ID = "0123456789ab" + "0" * 52
IMAGE = Execution(
    user="app",
    env=["PATH=/bin", "A=image"],
    entrypoint=["/entry"],
    cmd=["serve"],
    working_dir="/srv",
    labels={"a": "image", "b": "image"},
    exposed_ports={"80/tcp": {}},
    volumes={"/data": {}},
    stop_signal="SIGINT",
)


def config(image: Execution = IMAGE, **user: object) -> api.ContainerConfig:
    return plan.config(api.ContainerConfig(**user), image, ID)  # type: ignore[arg-type]


def test_what_is_not_said_comes_from_the_image() -> None:
    merged = config()
    assert plan.command_line(merged) == ("/entry", ("serve",))
    assert (merged.user, merged.working_dir, merged.stop_signal) == ("app", "/srv", "SIGINT")
    assert merged.hostname == ID[:12]


def test_an_own_entrypoint_drops_the_images_command() -> None:
    assert plan.command_line(config(entrypoint=["sh"])) == ("sh", ())
    assert plan.command_line(config(entrypoint=[""], cmd=["ls", "-l"])) == ("ls", ("-l",))


def test_an_own_command_keeps_the_images_entrypoint() -> None:
    assert plan.command_line(config(cmd=["other"])) == ("/entry", ("other",))


def test_nothing_to_run_is_refused() -> None:
    with pytest.raises(errors.InvalidArgument, match="no command specified"):
        config(Execution())


def test_environments_are_joined_by_name() -> None:
    assert config(env=["A=user", "B=2", "PATH"]).env == ["PATH", "A=user", "B=2"]


def test_labels_ports_and_volumes_are_joined() -> None:
    merged = config(labels={"a": "user"}, exposed_ports={"81/tcp": {}}, volumes={"/more": {}})
    assert merged.labels == {"a": "user", "b": "image"}
    assert set(merged.exposed_ports or ()) == {"80/tcp", "81/tcp"}
    assert set(merged.volumes or ()) == {"/data", "/more"}


def host(**user: object) -> api.HostConfig:
    return plan.host_config(
        api.HostConfig(**user),  # type: ignore[arg-type]
        default_runtime="runc",
        log_config=api.HostConfigLogConfig(type="json-file", config={"max-size": "1m"}),
        private_cgroup=False,
    )


def test_defaults_are_dockers() -> None:
    made = host()
    assert (made.network_mode, made.ipc_mode, made.cgroupns_mode, made.shm_size) == (
        "bridge",
        "private",
        "host",
        64 << 20,
    )
    assert made.restart_policy == api.RestartPolicy(name="no", maximum_retry_count=0)
    assert made.log_config == api.HostConfigLogConfig(type="json-file", config={"max-size": "1m"})
    assert made.pids_limit is None
    assert made.memory is UNSET


def test_swap_is_twice_the_memory_unless_said() -> None:
    assert host(memory=64 << 20).memory_swap == 128 << 20
    assert host(memory=64 << 20, memory_swap=-1).memory_swap == -1


def test_the_daemons_log_options_belong_to_its_driver() -> None:
    assert host(log_config=api.HostConfigLogConfig(type="none")).log_config == api.HostConfigLogConfig(
        type="none", config={}
    )


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"memory": 1 << 20}, "Minimum memory limit allowed is 6MB"),
        ({"memory": 64 << 20, "memory_swap": 1 << 20}, "Minimum memoryswap limit should be larger than memory limit"),
        ({"memory_swap": 1 << 20}, "You should always set the Memory limit when using Memoryswap limit"),
        ({"nano_cpus": 10**9, "cpu_quota": 1000}, "Conflicting options: Nano CPUs and CPU Quota cannot both be set"),
        ({"oom_score_adj": 2000}, r"range for oom score adj is \[-1000, 1000\]"),
        ({"restart_policy": api.RestartPolicy(name="sometimes")}, "unknown policy 'sometimes'"),
        (
            {"restart_policy": api.RestartPolicy(name="always", maximum_retry_count=2)},
            "can only be used with 'on-failure'",
        ),
        (
            {"restart_policy": api.RestartPolicy(name="always"), "auto_remove": True},
            "can't create 'AutoRemove' container with restart policy",
        ),
        ({"log_config": api.HostConfigLogConfig(type="nope")}, "no log driver named 'nope' is registered"),
        (
            {"log_config": api.HostConfigLogConfig(type="json-file", config={"x": "1"})},
            "unknown log opt 'x' for json-file log driver",
        ),
        ({"log_config": api.HostConfigLogConfig(type="json-file", config={"max-size": "huge"})}, "invalid size"),
    ],
)
def test_what_cannot_be_is_refused_in_dockers_words(request_: dict[str, object], message: str) -> None:
    with pytest.raises(errors.InvalidArgument, match=message):
        host(**request_)


@pytest.mark.parametrize(("text", "size"), [("10", 10), ("10k", 10240), ("1.5m", 1572864), ("1GB", 1 << 30)])
def test_sizes(text: str, size: int) -> None:
    assert plan.parse_size(text) == size


@pytest.mark.parametrize(
    "request_",
    [
        {"device_requests": [api.DeviceRequest(count=-1)]},
        {"storage_opt": {"size": "1G"}},
        {"blkio_device_read_bps": [api.ThrottleDevice(path="/dev/sda", rate=1)]},
        {"userns_mode": "private"},
        {"volume_driver": "nfs"},
    ],
)
def test_options_without_effect_are_refused(request_: dict[str, object]) -> None:
    with pytest.raises(errors.Unsupported, match="is not implemented"):
        host(**request_)


def test_empty_options_are_fine() -> None:
    host(device_requests=None, storage_opt={}, blkio_weight_device=[], userns_mode="host", volume_driver="")


def test_a_health_check_is_warned_about() -> None:
    checked = api.ContainerConfig(healthcheck=api.HealthConfig(test=["CMD", "true"]))
    assert plan.warnings(checked)
    assert not plan.warnings(api.ContainerConfig(healthcheck=api.HealthConfig(test=["NONE"])))
    assert not plan.warnings(api.ContainerConfig())
