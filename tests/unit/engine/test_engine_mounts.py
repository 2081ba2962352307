"""Mount points: Docker's syntax, which of several wins, and the texts of refusals."""

from __future__ import annotations

from pathlib import Path

import pytest

from wherry import errors
from wherry.api import types as api
from wherry.engine import mounts
from wherry.engine.records import Mount


def test_a_bind_of_a_host_path() -> None:
    mount = mounts.parse_bind("/data/:/srv/x/:ro,rslave")
    assert (mount.type, mount.source, mount.target) == ("bind", "/data", "/srv/x")
    assert (mount.writable, mount.propagation, mount.mode) == (False, "rslave", "ro,rslave")


def test_a_name_is_a_volume_and_is_filled_from_the_image() -> None:
    mount = mounts.parse_bind("files:/srv")
    assert (mount.type, mount.name, mount.writable, mount.copy_up) == ("volume", "files", True, True)
    assert mounts.parse_bind("files:/srv:nocopy").copy_up is False


def test_a_target_alone_is_an_anonymous_volume() -> None:
    mount = mounts.parse_bind("/cache")
    assert (mount.type, mount.name, mount.target) == ("volume", "", "/cache")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("/a:b", "mount path must be absolute"),
        ("a:/", "destination can't be '/'"),
        ("/a:/b:rx", "invalid mode: rx"),
        ("/a:/b:ro,rw", "invalid mode"),
        ("/a:/b:nocopy", "invalid mode: nocopy"),
        ("vol:/b:rshared", "invalid mode"),
        ("/a:/b:ro:x", "invalid volume specification"),
        (":/b", "invalid volume specification"),
        ("../up:/b", "invalid volume specification"),
    ],
)
def test_wrong_binds_are_refused(spec: str, message: str) -> None:
    with pytest.raises(errors.InvalidArgument, match=message):
        mounts.parse_bind(spec)


def test_a_mount_of_a_missing_path_is_refused_where_a_bind_makes_it(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing")
    with pytest.raises(errors.InvalidArgument, match="bind source path does not exist"):
        mounts.parse_mount(api.Mount(type="bind", source=missing, target="/x"))
    options = api.MountBindOptions(create_mountpoint=True)
    assert (
        mounts.parse_mount(api.Mount(type="bind", source=missing, target="/x", bind_options=options)).source == missing
    )


def test_tmpfs_options_win_over_the_defaults() -> None:
    mount = mounts.parse_tmpfs("/run", "exec,size=1m")
    assert mount.options == ("noexec", "nosuid", "nodev", "exec", "size=1m")


def plan(host: api.HostConfig, image: tuple[str, ...] = (), inherited: tuple[Mount, ...] = ()) -> dict[str, Mount]:
    return {mount.target: mount for mount in mounts.plan(host, image, (), lambda _reference: inherited)}


def test_explicit_mounts_win_over_inherited_and_anonymous_ones() -> None:
    inherited = (Mount(type="bind", source="/old", target="/a"), Mount(type="bind", source="/other", target="/b"))
    found = plan(api.HostConfig(binds=["/new:/a"], volumes_from=["x:ro"]), ("/a", "/b", "/c"), inherited)
    assert found["/a"].source == "/new"
    assert (found["/b"].source, found["/b"].writable) == ("/other", False)
    assert found["/c"].type == "volume"


def test_two_explicit_mounts_of_one_target_are_refused() -> None:
    with pytest.raises(errors.InvalidArgument, match="Duplicate mount point: /a"):
        plan(api.HostConfig(binds=["/x:/a"], tmpfs={"/a/": ""}))
