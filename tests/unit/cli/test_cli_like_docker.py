"""The docker client is the reference: the same words, the same engine, the same bytes."""

from __future__ import annotations

import shlex

import pytest

from tests.support import canned_documents
from tests.support.two_clients import Clients

WORDS = """
ps
ps -a
ps -s
ps --no-trunc
ps -q
ps -q --no-trunc
ps -l
ps -n 2
ps -n=3 -q
ps -q --format '{{.Names}}'
ps --filter label=a=b --filter status=running --filter label=c
container ls -a
images
images -q
images --digests
images --no-trunc
images --format json
images busybox -f dangling=true
image ls -a
history x
history -H=false x
history -q x
history --no-trunc x
history --format json x
network ls
network ls --no-trunc
network ls -q
network ls --format json
network ls --format 'table {{.Name}}\t{{.CreatedAt}}\t{{.Label "a"}}'
network ls -f driver=b -f name=c -f name=d
volume ls
volume ls -q
volume ls --format json
volume ls --format 'table {{.Name}}\t{{.Size}}\t{{.Links}}'
system df
system df --format json
system df --format '{{.Type}} {{.Size}}'
system df --format '{{.Foo}}'
stats --no-stream web
stats --no-stream --format json web
events
events --format json
events --format '{{.ID}} {{.Type}}'
info -f '{{.Driver}}'
logs web
logs nope
top web
port web
port web 80
port web 80/tcp
port web 81
port web x
diff web
diff ''
export web
kill web nope
kill -s HUP web
stop -t 5 web
stop nope nope2 web
restart web
rm web nope
rm -f nope
rm ''
wait web nope
pause web
unpause web
rename web new
rename web ''
update -m 64m --restart always --cpus 1 web
update web
tag x y
tag x reg:5000/y:1
tag x Y
rmi x y
rmi -f y
import - x:1
import http://example.org/x.tgz
import /nonexistent
load
load -i /nonexistent
save a b
save -o /nonexistent/x a
commit web
commit -a me -m msg -c 'CMD x' -p=false web r:t
pull x
pull -q x:1
pull -a x:1
network create x
network create --subnet 10.0.0.0/24 --gateway 10.0.0.1 --ip-range 10.0.0.0/25 --aux-address a=10.0.0.5 x
network create --gateway 10.0.0.1 x
network connect --ip 1.2.3.4 --alias a --link x:y n web
network rm n
network rm -f nope
volume create
volume create -d local -o type=tmpfs --label a=b vol
volume create --name a b
volume rm nope
container prune
container prune -f
image prune
image prune -a
image prune -f
network prune -f
volume prune
volume prune -a
volume prune -f
system prune
system prune -a --volumes
system prune -a --filter label=x
system prune -af --volumes
system prune -a --volumes --filter until=1h
inspect web
inspect web db
inspect nope
inspect --type image nope
inspect --type foo web
container inspect nope
image inspect x
cp a b
cp web:/x other:/y
"""
MISTAKES = """
bogus
container bogus
ps x
rm
tag a
run
exec x
ps --bogus
ps -Z
ps -n x
ps -f
ps -f x
ps -aqx
ps --no-trunc=x
ps --=x
ps ---x
port
port a b c
run --memory=zz b
run --rm=maybe x
run -d -a stdin x
run -it x
run BUSY
stop -t x y
-X
--bogus
help bogus
-H a -H b ps
-H foo://x ps
-H tcp://127.0.0.1:1 ps
-H unix:///nonexistent ps
-l foo ps
"""
LIST_TEMPLATES = """
{{.Names}}
{{.ID}}: {{.Image}}
table {{.ID}}\t{{.Names}}\t{{.Ports}}
table {{.Names}}\\t{{.Label "a.b"}}\\t{{.Label "c"}}
table {{upper .Names}}\t{{json .Status}}
table
json
{{json .Names}}
{{.Labels}}
{{.Label "a.b"}}
{{.Names | upper | printf "%q"}}
{{len .Names}}
{{if eq .State "running"}}{{.Names}} is up{{else if eq .State "exited"}}gone{{else}}other{{end}}
{{range split .Names ""}}[{{.}}]{{end}}
{{truncate .ID 5}}
{{pad .Names 2 3}}|
{{join (split .Image ":") "/"}}
{{title .State}}
{{println .Names .State}}
{{with .Labels}}{{.}}{{else}}none{{end}}
{{/* a comment */}}{{.Names}}
a {{- .Names -}} b
{{$x := .Names}}{{$x}}-{{$x}}
{{range $i, $e := split "a,b" ","}}{{$i}}={{$e}};{{end}}
{{range split "a,b,c" ","}}{{if eq . "b"}}{{break}}{{end}}{{.}}{{end}}
{{printf "%-20s|%5s" .Names "x"}}
{{print .Names 1 2 "x"}}
{{index (split .Image ":") 0}}
{{index (split .Image ":") 9}}
{{eq .State "a" "exited"}}
{{and .Names .State}}
{{or "" .State}}
{{not .Names}}
{{html "<a>"}}
{{`raw`}}{{"\\u00e9"}}{{1.5}}{{true}}
{{.Mounts}} {{.LocalVolumes}} {{.CreatedAt}} {{.RunningFor}} {{.Networks}} {{.Command}}
{{.Foo}}
{{.Names.Foo}}
{{foo}}
{{.Names
{{.Names}
{{if}}x{{end}}
{{if .Names}}x
{{end}}
{{break}}
{{nil}}
{{"x" "y"}}
{{.Label}}
{{len 3}}
{{lt "a" 1}}
"""
INSPECT_TEMPLATES = """
{{.Id}}
{{.ID}}
{{.State.Status}}
{{.State.Foo}}
{{.State.Health}}
{{if .State.Health}}{{.State.Health.Status}}{{else}}none{{end}}
{{.State.Health.Status}}
{{.HostConfig.Binds}}
{{json .HostConfig.Binds}}
{{.Config.Env}}
{{json .Config.Env}}
{{range .Config.Env}}{{println .}}{{end}}
{{.Config.Labels}}
{{index .Config.Labels "x"}}
{{index .Config.Labels "nope"}}
{{.Config.Labels.nope}}
{{range $k,$v := .Config.Labels}}{{$k}}={{$v}} {{end}}
{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}
{{.NetworkSettings.Networks.bridge.IPAddress}}
{{(index (index .NetworkSettings.Ports "80/tcp") 0).HostPort}}
{{json .Mounts}}
{{.HostConfig.Memory}} {{.HostConfig.NanoCPUs}} {{.HostConfig.CPUShares}}
{{.State.Running}} {{.State.Pid}}
{{join .Config.Cmd " "}}
{{.Config.Entrypoint}} {{.Config.Volumes}} {{.Config.Healthcheck}} {{.ExecIDs}}
{{with index .Mounts 0}}{{.Source}}{{end}}
{{.NetworkSettings.IPAddress}}|{{.Config.StopSignal}}|{{.Config.Image}}
{{foo}}
{{.Name
json
"""


def lines(text: str) -> list[str]:
    return [line for line in text.strip().split("\n") if line]


@pytest.mark.parametrize("line", lines(WORDS))
def test_prints_what_docker_prints(both: Clients, line: str) -> None:
    both.engine.routes = canned_documents.routes()
    both.assert_same(*shlex.split(line), stdin="n\n")


@pytest.mark.parametrize("line", lines(MISTAKES))
def test_complains_as_docker_does(both: Clients, line: str) -> None:
    both.engine.routes = canned_documents.routes()
    both.assert_same(*shlex.split(line))


@pytest.mark.parametrize("template", lines(LIST_TEMPLATES))
def test_list_templates_give_what_docker_gives(both: Clients, template: str) -> None:
    both.engine.routes = canned_documents.routes()
    both.assert_same("ps", "--format", template)


@pytest.mark.parametrize("template", lines(INSPECT_TEMPLATES))
def test_inspect_templates_give_what_docker_gives(both: Clients, template: str) -> None:
    both.engine.routes = canned_documents.routes()
    both.assert_same("inspect", "--format", template, "web")


@pytest.mark.parametrize(
    "line",
    [
        "network create --subnet 10.0.0.0/24 --gateway 10.0.0.1 -o k=v --label l=m --internal --attachable --ipv6 x",
        "network connect --ip 1.2.3.4 --alias a --link x:y n web",
        "volume create -d local -o type=tmpfs --label a=b vol",
        "update -m 64m --memory-swap -1 --pids-limit 5 --restart on-failure:3 --cpus 1.5 web",
    ],
)
def test_sends_the_body_docker_sends(both: Clients, line: str) -> None:
    from tests.support.two_clients import without_defaults

    both.engine.routes = canned_documents.routes()
    theirs, ours = both.assert_same(*shlex.split(line))
    assert without_defaults(ours.requests[-1].json) == without_defaults(theirs.requests[-1].json)
