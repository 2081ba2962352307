from __future__ import annotations

from wherry.network import hostsfile


def test_localhost_comes_first_and_entries_keep_their_order() -> None:
    text = hostsfile.generate([("10.0.0.9", ["db", "database"]), ("172.17.0.2", ["web.example.org", "web"])])
    assert text.splitlines() == [
        "127.0.0.1\tlocalhost",
        "::1\tlocalhost ip6-localhost ip6-loopback",
        "fe00::\tip6-localnet",
        "ff00::\tip6-mcastprefix",
        "ff02::1\tip6-allnodes",
        "ff02::2\tip6-allrouters",
        "10.0.0.9\tdb database",
        "172.17.0.2\tweb.example.org web",
    ]
    assert text.endswith("\n")


def test_without_ipv6_there_is_no_ipv6_name() -> None:
    assert hostsfile.generate([], ipv6=False) == "127.0.0.1\tlocalhost\n"


def test_the_full_name_comes_before_the_short_one() -> None:
    assert hostsfile.own_names("web", "example.org") == ["web.example.org", "web"]
    assert hostsfile.own_names("web", "") == ["web"]
