"""What a runtime demands of the host's control groups is told before it is run."""

from __future__ import annotations

import pytest

from wherry.linux import cgroups
from wherry.runtime import binaries


@pytest.mark.requires("a host that mixes cgroup versions")
def test_incomplete_hierarchies_are_refused_for_crun_with_a_remedy() -> None:
    missing = cgroups.missing_v1()
    if not missing:
        pytest.skip("v1 is complete here, or not in use")
    with pytest.raises(binaries.IncompleteHierarchies) as caught:
        binaries.check_hierarchies(binaries.Runtimes().get("crun"))
    assert f"mount -t cgroup -o {missing[0]} " in caught.value.hint
    binaries.check_hierarchies(binaries.Runtimes().get("runc"))
