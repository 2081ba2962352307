"""What `create` asks for, flag by flag, compared with what the docker client asks for."""

from __future__ import annotations

import shlex
from typing import Any

import pytest

from tests.support.canned_engine import CannedEngine
from tests.support.two_clients import Clients, without_defaults

FLAGS = r"""
busybox
-it busybox sh
-i busybox
-t busybox
-a stdout busybox
-a stdin -i busybox
--name n -p 8080:80 busybox
-p 80 busybox
-p 127.0.0.1:53:53/udp busybox
-p 8000-8002:80-82 busybox
-p 8000-8010:80 busybox
-p '[::1]:80:80' busybox
-p ::1:80:80 busybox
-p 127.0.0.1::80 busybox
-p published=8080,target=80,protocol=udp busybox
-p a:80 busybox
-p 80:b busybox
-p 80/foo busybox
-p 99999:80 busybox
-p 1.2.3.4.5:80:80 busybox
-p 80-82:80-81 busybox
-p : busybox
-p 80: busybox
-p 9-8 busybox
-P --expose 80 --expose 90-92/udp busybox
--expose x busybox
--expose 80:80 busybox
-v /a:/b busybox
-v /a:/b:ro,z busybox
-v vol:/b busybox
-v /b busybox
-v ./x:/y busybox
-v :/x busybox
-v /a:/b:c:d busybox
-v /a:/b:foo busybox
-v aa:bb busybox
--mount type=bind,src=/a,dst=/b,ro busybox
--mount type=volume,src=v,target=/b,volume-nocopy,volume-driver=local,volume-opt=a=b,volume-label=l=m busybox
--mount type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=1777 busybox
--mount src=v,dst=/x,readonly=false busybox
--mount type=bind,src=/a busybox
--mount type=bind,foo=/a,dst=/b busybox
--mount type=bind,src busybox
--mount type=bind,src=/a,dst=/b,bind-propagation=rshared,bind-recursive=disabled busybox
--mount type=tmpfs,dst=/a,bind-propagation=shared busybox
--mount type=tmpfs,dst=/a,tmpfs-mode=9 busybox
--mount type=bind,source=.,target=/x,consistency=cached busybox
--tmpfs /t --tmpfs /u:size=1m busybox
--network host busybox
--network none busybox
--network n1 --network n2 busybox
--network n1 --network-alias a --ip 1.2.3.4 --ip6 ::1 --link-local-ip 169.254.1.1 busybox
--network name=n1,alias=x,ip=1.2.3.4,driver-opt=a=b,gw-priority=3 busybox
--network container:x busybox
--network bridge --mac-address 92:d0:c6:0a:29:33 busybox
--network-alias a busybox
--network host --network n busybox
--network n --network n busybox
--net host busybox
--link a:b busybox
--network n --link a busybox
--mac-address zz busybox
--network host --network-alias x busybox
--ip 1.2.3.4 busybox
--network name=n,foo=bar busybox
-e A=b -e HOME -e NOPE busybox
-e =x busybox
--env-file envf -e A=2 busybox
-l a=b -l c busybox
-l =b busybox
--label-file lab busybox
-m 64m --memory-swap -1 --memory-reservation 32m --memory-swappiness 0 busybox
--memory-swappiness 101 busybox
-m 1.5g busybox
-m 5x busybox
--memory-swap=-2 busybox
--cpus 1.5 --cpu-shares 5 --cpu-period 100 --cpu-quota 50 --cpuset-cpus 0 --cpuset-mems 0 --cpu-rt-period 1 --cpu-rt-runtime 2 busybox
--cpus x busybox
--cpus 0.0000000001 busybox
--pids-limit 5 busybox
--pids-limit -1 busybox
--pids-limit 0 busybox
--ulimit nofile=1:2 --ulimit core=-1 busybox
--ulimit nofile=5:2 busybox
--ulimit foo=1 busybox
--ulimit nofile busybox
--ulimit nofile=x busybox
--ulimit nofile=1:2:3 busybox
--cap-add SYS_ADMIN --cap-drop ALL busybox
--security-opt seccomp=unconfined --security-opt no-new-privileges --security-opt apparmor=x busybox
--security-opt seccomp=sec.json busybox
--security-opt seccomp=/nope busybox
--security-opt foo busybox
--security-opt systempaths=unconfined busybox
--security-opt label:disable busybox
--privileged --read-only --init --oom-kill-disable --oom-score-adj 5 busybox
--device /dev/null --device /dev/zero:/dev/z:r --device /dev/a:rw busybox
--device x busybox
--device /dev/a:/b:q busybox
--device-cgroup-rule 'c 1:3 rwm' busybox
--device-cgroup-rule 'z 1:3 rwm' busybox
--device-read-bps /dev/sda:1mb --device-write-iops /dev/sda:5 --blkio-weight 100 --blkio-weight-device /dev/sda:200 busybox
--device-read-bps x busybox
--device-read-bps /dev/sda:x busybox
--device-read-iops /dev/sda:x busybox
--blkio-weight-device /dev/sda:1 busybox
--restart always busybox
--restart on-failure:3 busybox
--restart on-failure:x busybox
--restart :3 busybox
--restart on-failure:1:2 busybox
--restart foo busybox
--stop-signal INT --stop-timeout 5 busybox
--stop-timeout 0 busybox
--health-cmd x --health-interval 5s --health-timeout 1m --health-retries 3 --health-start-period 1s --health-start-interval 2s busybox
--no-healthcheck busybox
--no-healthcheck --health-cmd x busybox
--health-interval -5s busybox
--health-interval 5 busybox
--health-retries -1 busybox
--ipc host --pid host --uts host --userns host --cgroupns private busybox
--ipc container:x --pid container:y busybox
--pid foo busybox
--uts foo busybox
--userns foo busybox
--cgroupns foo busybox
--cgroup-parent /x --shm-size 1m --sysctl net.a=b busybox
--sysctl c busybox
--sysctl a=b busybox
--log-driver json-file --log-opt max-size=1m --log-opt x busybox
--log-driver none --log-opt a=b busybox
--log-opt a=b busybox
--runtime crun --annotation a=b --group-add 5 --volumes-from x:ro --volume-driver d --storage-opt size=1 --isolation x --domainname d -h h -u u:g -w /w busybox
--entrypoint '' busybox a
--entrypoint sh busybox a
--dns 1.1.1.1 --dns-option x --dns-opt y --dns-search a.b --add-host h:1.2.3.4 --add-host g:host-gateway --add-host h6=::1 --add-host 'q:[::1]' busybox
--dns foo busybox
--dns-search -- busybox
--add-host x busybox
--add-host x:y busybox
--gpus all busybox
--gpus 2 busybox
--gpus '"device=0,1"' busybox
--gpus device=GPU-1,capabilities=utility busybox
--gpus foo=1 busybox
--gpus count=x busybox
--attach foo busybox
--link a:b:c busybox
--platform linux/amd64 --name x busybox
--cap-add=a --cap-add=b busybox --rm
--rm busybox
-it --rm -v /a:/b -e X=1 -- busybox -x
"""
_PATH = ("POST", "/containers/create")


@pytest.fixture
def ready(both: Clients, engine: CannedEngine) -> Clients:
    engine.routes[_PATH] = (201, {"Id": "c" * 64, "Warnings": []})
    (both.home / "envf").write_text("# comment\nA=1\n  B=2\nHOME\nNOPE\nC=x y z\n")
    (both.home / "lab").write_text("l1=a\nl2\n")
    (both.home / "sec.json").write_text('{ "defaultAction" : "SCMP_ACT_ERRNO",\n "syscalls": [] }')
    return both


@pytest.mark.parametrize("line", FLAGS.strip().split("\n"))
def test_create_asks_for_what_docker_asks_for(ready: Clients, line: str) -> None:
    theirs, ours = ready.assert_same("create", *shlex.split(line))
    assert [request.query for request in ours.requests] == [request.query for request in theirs.requests]
    bodies = [[_body(request.json) for request in outcome.requests] for outcome in (ours, theirs)]
    assert bodies[0] == bodies[1]


def _body(document: Any) -> Any:
    body = without_defaults(document)
    host = body.get("HostConfig", {})
    if host.get("MemorySwappiness") == -1:
        del host["MemorySwappiness"]  # docker says "not set" so
    body.get("Env", []).sort()  # docker sends it in any order
    return body
