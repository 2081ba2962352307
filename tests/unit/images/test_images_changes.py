from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.images.changes import InvalidChange, apply
from wherry.oci.image_config import Execution, Healthcheck

BASE = Execution(env=["PATH=/bin", "HOME=/root"], working_dir="/srv", exposed_ports={"80/tcp": {}})


@pytest.mark.parametrize(
    ("change", "field", "value"),
    [
        ('CMD ["a", "b c"]', "cmd", ["a", "b c"]),
        ("cmd echo $HOME", "cmd", ["/bin/sh", "-c", "echo $HOME"]),
        ("CMD []", "cmd", []),
        ('CMD ["a", 1]', "cmd", ["/bin/sh", "-c", '["a", 1]']),
        ('ENTRYPOINT ["/x"]', "entrypoint", ["/x"]),
        ("ENV A=1 B='x y' C=\"$HOME/z\"", "env", ["PATH=/bin", "HOME=/root", "A=1", "B=x y", "C=/root/z"]),
        ("ENV PATH /opt:$PATH", "env", ["PATH=/opt:/bin", "HOME=/root"]),
        ("ENV X=${NO:-dflt}${HOME:+set}${NO}", "env", ["PATH=/bin", "HOME=/root", "X=dfltset"]),
        (r"ENV X=a\ b Y=\$HOME Z='$HOME'", "env", ["PATH=/bin", "HOME=/root", "X=a b", "Y=$HOME", "Z=$HOME"]),
        ("EXPOSE 53/udp 8000-8001", "exposed_ports", {"80/tcp": {}, "53/udp": {}, "8000/tcp": {}, "8001/tcp": {}}),
        ("LABEL a=b \"c d\"='e f'", "labels", {"a": "b", "c d": "e f"}),
        ("ONBUILD RUN make", "on_build", ["RUN make"]),
        ("STOPSIGNAL SIGINT", "stop_signal", "SIGINT"),
        ("USER 1:2", "user", "1:2"),
        ("VOLUME /a /b", "volumes", {"/a": {}, "/b": {}}),
        ('VOLUME ["/a b"]', "volumes", {"/a b": {}}),
        ("WORKDIR /a/../b/", "working_dir", "/b"),
        ("WORKDIR sub", "working_dir", "/srv/sub"),
        ("WORKDIR $HOME", "working_dir", "/root"),
        ("HEALTHCHECK NONE", "healthcheck", Healthcheck(test=["NONE"])),
        (
            "HEALTHCHECK --interval=5s --retries=2 CMD curl x",
            "healthcheck",
            Healthcheck(test=["CMD-SHELL", "curl x"], interval=5 * 10**9, retries=2),
        ),
        ('HEALTHCHECK CMD ["a"]', "healthcheck", Healthcheck(test=["CMD", "a"])),
    ],
)
def test_a_change_sets_what_the_dockerfile_instruction_sets(change: str, field: str, value: object) -> None:
    assert getattr(apply(BASE, [change]), field) == value


def test_changes_apply_in_order_and_see_earlier_ones() -> None:
    changed = apply(BASE, ["ENV A=1", "ENV B=$A\nWORKDIR /x\n# a comment\nWORKDIR y", "USER a \\\n"])
    assert changed.env == ["PATH=/bin", "HOME=/root", "A=1", "B=1"]
    assert (changed.working_dir, changed.user) == ("/x/y", "a")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("RUN x", "RUN is not a valid change command"),
        ("from x", "from is not a valid change command"),
        ("CMD", "CMD requires at least one argument"),
        ("ENV A", "ENV must have two arguments"),
        ("ENV A=1 B", 'Syntax error - can\'t find = in "B". Must be of the form: name=value'),
        ("ENV =x", "ENV names can not be blank"),
        ('ENV A="b', "a quote is not closed"),
        ("EXPOSE 99999", "invalid containerPort: 99999"),
        ("EXPOSE x", "invalid containerPort: x"),
        ("USER a b", "USER requires exactly one argument"),
        ("ONBUILD FROM x", "FROM isn't allowed as an ONBUILD trigger"),
        ("ONBUILD ONBUILD RUN x", "Chaining ONBUILD"),
        ("HEALTHCHECK FOO", 'Unknown type "FOO" in HEALTHCHECK'),
        ("HEALTHCHECK CMD", "Missing command after HEALTHCHECK CMD"),
        ("HEALTHCHECK --interval=x CMD y", 'time: invalid duration "x"'),
        ("HEALTHCHECK --nope=x CMD y", "unknown flag: --nope"),
    ],
)
def test_a_bad_change_is_refused_in_docker_s_words(change: str, message: str) -> None:
    with pytest.raises(InvalidChange) as caught:
        apply(BASE, [change])
    assert message in caught.value.message


@given(st.sampled_from(["ENV ", "LABEL ", "USER ", "WORKDIR ", "VOLUME ", "CMD ", ""]), st.text(max_size=40))
def test_any_text_is_applied_or_refused(instruction: str, text: str) -> None:
    try:
        apply(BASE, [instruction + text])
    except InvalidChange:
        pass
