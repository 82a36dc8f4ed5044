"""Broker addresses: what is read, what is shown, and what is refused."""

from __future__ import annotations

import pytest

from edge.config.broker import Broker, parse_broker, with_user


@pytest.mark.parametrize(
    ("url", "broker"),
    [
        ("mqtt://broker", Broker("network", "broker")),
        ("mqtt://broker/", Broker("network", "broker")),
        ("mqtt://büro.local.", Broker("network", "büro.local.")),
        ("mqtt://broker:", Broker("network", "broker")),
        ("mqtt://ann@broker:1884", Broker("network", "broker", 1884, "ann")),
        ("mqtts://broker", Broker("network", "broker", 8883, tls=True)),
        ("mqtts://@broker:65535", Broker("network", "broker", 65535, tls=True)),
        ("mqtt://[::1]:1885", Broker("network", "::1", 1885)),
        ("mqtt://ann@[2001:db8::1]", Broker("network", "2001:db8::1", user="ann")),
        ("mqtt://[fe80::1%25eth0]", Broker("network", "fe80::1%eth0")),
        ("mqtt://me%40home.org@broker", Broker("network", "broker", user="me@home.org")),
        ("mqtt://me@home.org@broker", Broker("network", "broker", user="me@home.org")),
        ("mqtt://a%3Ab%23c%3Fd%2Fe%25f@broker", Broker("network", "broker", user="a:b#c?d/e%f")),
        ("mqtt://k%C3%BCche@broker", Broker("network", "broker", user="küche")),
        ("mqtt://100%@broker", Broker("network", "broker", user="100%")),
        ("embedded", Broker("embedded")),
        ("none", Broker("none")),
    ],
)
def test_broker_addresses(url: str, broker: Broker) -> None:
    assert parse_broker(url) == broker


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("mqtt://ann@broker", "mqtt://broker:1883"),
        ("mqtts://[::1]", "mqtts://[::1]:8883"),
        ("mqtt://me%40home@[2001:db8::1]:1884", "mqtt://[2001:db8::1]:1884"),
        ("embedded", "embedded"),
    ],
)
def test_an_address_is_shown_without_the_user_and_can_be_read_again(url: str, shown: str) -> None:
    assert str(parse_broker(url)) == shown
    assert str(parse_broker(shown)) == shown


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", "mqtt://"),
        ("broker", "mqtt://"),
        ("mqtt://", "mqtt://"),
        ("mqtt:///path", "mqtt://"),
        ("tcp://hunter2", "mqtt://"),
        ("mqtt://h/hunter2", "mqtt://"),
        ("mqtt://[::1", "mqtt://"),
        ("mqtt://hunter2..local", "between its dots"),
        (f"mqtt://hunter2{'a' * 64}.local", "between its dots"),
        ("mqtt://h:0", "from 1 to 65535"),
        ("mqtt://h:99999", "from 1 to 65535"),
        ("mqtt://h:18e3", "from 1 to 65535"),
        ("mqtt://h:-1", "from 1 to 65535"),
        ("mqtt://fe80::1", "brackets"),
        ("mqtt://a#hunter2@h", "%23"),
        ("mqtt://a?hunter2@h", "%3F"),
        ("mqtt://a/hunter2@h", "%2F"),
        ("mqtt://a:hunter2@h", "mqtt.password_file"),
        ("mqtt://a:hunter2/x@h", "%2F"),
        ("mqtt://a:hunter2#x@h", "%23"),
        ("mqtt://a:@h", "%3A"),
        ("mqtt://%ffhunter2@h", "UTF-8"),
        ("mqtt://hunter2%00@h", r"U\+0000"),
        ("mqtt://hunter2%C2%85@h", r"U\+0085"),
        ("mqtt://hunter2%EF%BB%BF@h", r"U\+FEFF"),
        (f"mqtt://hunter2{'a' * 65_535}@h", "longer"),
    ],
)
def test_what_is_no_broker_address_is_refused_and_not_repeated(url: str, why: str) -> None:
    with pytest.raises(ValueError, match=why) as caught:
        parse_broker(url)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("user", ["ann", "a:b/c?d#e@f%g", "Käthe"])
@pytest.mark.parametrize("url", ["mqtt://broker", "mqtts://bob@broker:1885", "mqtt://[::1]:1885/"])
def test_a_user_takes_the_place_of_another(url: str, user: str) -> None:
    before, after = parse_broker(url), parse_broker(with_user(url, user))
    assert after.user == user
    assert (after.host, after.port, after.tls) == (before.host, before.port, before.tls)


@pytest.mark.parametrize("url", ["embedded", "none", "http://broker"])
def test_what_takes_no_user_says_so(url: str) -> None:
    with pytest.raises(ValueError, match="write mqtt://"):
        with_user(url, "ann")
