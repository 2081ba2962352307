"""resolv.conf as Docker makes it: the texts in tests/fixtures/resolvconf are what it expects of itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.network import resolvconf
from wherry.network.resolvconf import ResolvConf, Server

_GOLDEN = Path(__file__).parents[2] / "fixtures" / "resolvconf"
_HOST = "/etc/resolv.conf"
_RESOLVER = "127.0.0.11"


def golden(name: str) -> str:
    return (_GOLDEN / f"{name}.golden").read_text(encoding="utf-8")


def nameservers(*addresses: str) -> str:
    return "".join(f"nameserver {address}\n" for address in addresses)


def test_what_is_not_overridden_stays() -> None:
    conf = ResolvConf.parse("nameserver 1.2.3.4\nsearch invalid\noptions ndots:0\n")
    assert conf.text() == golden("TestRCModify/No_overrides")
    assert conf.add_option("attempts:3").text() == golden("TestRCModify/Add_option_no_overrides")


def test_every_override_replaces_the_hosts_entry() -> None:
    conf = ResolvConf.parse("nameserver 1.2.3.4\nsearch invalid\noptions ndots:0\n").override(
        servers=["2.3.4.5", "fdba:acdd:587c::53"],
        search=["com", "invalid", "example"],
        options=["ndots:1", "edns0", "trust-ad"],
    )
    assert conf.text() == golden("TestRCModify/Overrides")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("TestRCModify/Empty_overrides", "nameserver 1.2.3.4\nsearch invalid\noptions ndots:0\n"),
        ("TestRCModify/No_content_no_overrides", ""),
    ],
)
def test_an_empty_override_removes(name: str, text: str) -> None:
    assert ResolvConf.parse(text).override(servers=[], search=[], options=[]).text() == golden(name)


_LEGACY = [
    ("Routable_IPv4_only", ["10.0.0.1"], False),
    ("Routable_IPv4_and_IPv6,_ipv6_enabled", ["10.0.0.1", "fdb6:b8fe:b528::1"], True),
    ("Routable_IPv4_and_IPv6,_ipv6_disabled", ["10.0.0.1", "fdb6:b8fe:b528::1"], False),
    ("IPv4_localhost,_ipv6_disabled", ["127.0.0.53"], False),
    ("IPv4_localhost,_ipv6_enabled", ["127.0.0.53"], True),
    ("IPv4_and_IPv6_localhost,_ipv6_disabled", ["127.0.0.53", "::1"], False),
    ("IPv4_and_IPv6_localhost,_ipv6_enabled", ["127.0.0.53", "::1"], True),
    ("IPv4_localhost,_IPv6_routeable,_ipv6_disabled", ["127.0.0.53", "fd3e:2d1a:1f5a::1"], False),
    ("IPv4_localhost,_IPv6_routeable,_ipv6_enabled", ["127.0.0.53", "fd3e:2d1a:1f5a::1"], True),
]


@pytest.mark.parametrize(("name", "servers", "ipv6"), _LEGACY)
def test_default_network_keeps_the_reachable_servers(name: str, servers: list[str], ipv6: bool) -> None:
    conf = ResolvConf.parse(nameservers(*servers), _HOST).for_default_network(ipv6=ipv6)
    assert conf.text() == golden(f"TestRCTransformForLegacyNw/{name}")


def test_default_network_keeps_servers_that_were_asked_for() -> None:
    conf = ResolvConf.parse(nameservers("10.0.0.1"), _HOST).override(servers=["127.0.0.1", "::1"])
    assert conf.for_default_network().text() == golden("TestRCTransformForLegacyNw/Override_nameservers")


_INTERNAL = [
    ("IPv4_only", ["10.0.0.1"]),
    ("IPv6_only", ["fd14:6e0e:f855::1"]),
    ("IPv4_and_IPv6,_ipv6_enabled", ["10.0.0.1", "fdb6:b8fe:b528::1"]),
    ("IPv4_localhost", ["127.0.0.53"]),
    ("IPv4_and_IPv6_localhost", ["127.0.0.53", "::1"]),
    ("No_config", []),
]


@pytest.mark.parametrize(("name", "servers"), _INTERNAL)
def test_our_resolver_asks_the_hosts_servers(name: str, servers: list[str]) -> None:
    conf = ResolvConf.parse(nameservers(*servers), _HOST).for_resolver(_RESOLVER)
    assert conf.text() == golden(f"TestRCTransformForIntNS/{name}")
    assert conf.external == tuple(Server(address, from_host=True) for address in servers)


def test_servers_that_were_asked_for_are_asked_from_the_container() -> None:
    conf = ResolvConf.parse(nameservers("10.0.0.1"), _HOST).override(servers=["127.0.0.53"]).for_resolver(_RESOLVER)
    assert conf.text() == golden("TestRCTransformForIntNS/IPv4_localhost_override")
    assert conf.external == (Server("127.0.0.53", from_host=False),)


def test_required_ndots_yields_to_any_other() -> None:
    def internal(text: str, *, override: list[str] | None = None, required: list[str] | None = None) -> str:
        conf = ResolvConf.parse(f"nameserver 127.0.0.53\n{text}", _HOST).override(options=override)
        return conf.for_resolver(_RESOLVER, required or ["ndots:0"]).text()

    directory = "TestRCTransformForIntNS"
    assert internal("") == golden(f"{directory}/ndots_missing_but_required")
    assert internal("options ndots:1") == golden(f"{directory}/ndots_present_and_required")
    assert internal("options ndots:1", override=["ndots:2"]) == golden(f"{directory}/ndots_host,_override_and_required")
    assert internal("options trust-ad", required=["ndots:0", "attempts:3", "edns0"]) == golden(
        f"{directory}/Extra_required_options"
    )


def test_a_header_stands_apart() -> None:
    conf = ResolvConf.parse("nameserver 127.0.0.53\n", _HOST)
    assert conf.text("# This is a comment.") == golden("TestRCSetHeader")


def test_unknown_directives_are_handed_on_and_comments_are_not() -> None:
    text = "; a comment\nsomething unexpected\n# another\noptions ndots:1\nnameserver 127.0.0.53\nunrecognised thing\n"
    assert ResolvConf.parse(text, _HOST).text() == golden("TestRCUnknownDirectives")


def test_a_server_that_is_no_address_is_named_in_a_remark() -> None:
    assert ResolvConf.parse("nameserver 1.2.3.4.5\n").text() == golden("TestRCInvalidNS")


def test_the_last_search_line_counts_and_a_dot_means_none() -> None:
    assert ResolvConf.parse("search a b\ndomain c\n").search == ("c",)
    assert "search" not in resolvconf.generate("search a\n", search=["."]).replace("[search", "")


@given(st.text(alphabet="abcnamesrvopti 0123456789.:;#\n\t", max_size=200), st.booleans())
def test_what_is_generated_can_be_parsed_and_has_only_reachable_servers(text: str, ipv6: bool) -> None:
    generated = ResolvConf.parse(resolvconf.generate(text, ipv6=ipv6))
    assert generated.servers
    assert not any(server.startswith("127.") for server in generated.servers)
    again = resolvconf.generate(resolvconf.generate(text, ipv6=ipv6), ipv6=ipv6)
    assert ResolvConf.parse(again).servers == generated.servers
