import pytest

from ingest.guard import Refused, is_public, literal, require_public


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.1", "172.16.0.1", "192.168.1.1", "127.0.0.1", "0.0.0.0", "169.254.169.254",
        "100.64.0.1", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0",
        "fc00::1", "ff02::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "nonsense",
    ],
)  # fmt: skip
def test_private_address_is_not_public(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f::1", "64:ff9b::808:808"])
def test_public_address_is_public(address):
    assert is_public(address)


def test_one_private_address_among_several_is_refused():
    assert require_public("news.example", ["93.184.215.14"]) == ["93.184.215.14"]
    with pytest.raises(Refused, match=r"10\.0\.0\.1"):
        require_public("news.example", ["93.184.215.14", "10.0.0.1"])
    with pytest.raises(Refused, match="no address"):
        require_public("news.example", [])


@pytest.mark.parametrize("host", ["127.1", "0177.0.0.1", "0x7f000001", "2130706433", "127.0.0.1."])
def test_old_spellings_are_addresses(host):
    assert literal(host) == "127.0.0.1"


@pytest.mark.parametrize("host", ["news.example", "1.2.3.4.5", "256.1.1.1", "0x", "08.1.1.1"])
def test_names_are_no_addresses(host):
    assert literal(host) is None
