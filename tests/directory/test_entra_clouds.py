"""National clouds and the addresses that a secret may be sent to."""

from __future__ import annotations

from pathlib import Path

import pytest

from captrid_core.directory import entra
from captrid_core.directory.entra import CLOUDS, ClientCertificate, ClientSecret, EntraSettings
from captrid_core.directory.entra.clouds import scope_of
from captrid_core.errors import Invalid

SECRET = ClientSecret("hidden-value")


@pytest.mark.parametrize(
    ("cloud", "authority", "graph", "scope"),
    [
        (
            "global",
            "https://login.microsoftonline.com",
            "https://graph.microsoft.com/v1.0",
            "https://graph.microsoft.com/.default",
        ),
        (
            "usgov",
            "https://login.microsoftonline.us",
            "https://graph.microsoft.us/v1.0",
            "https://graph.microsoft.us/.default",
        ),
        (
            "usgov-dod",
            "https://login.microsoftonline.us",
            "https://dod-graph.microsoft.us/v1.0",
            "https://dod-graph.microsoft.us/.default",
        ),
        (
            "china",
            "https://login.partner.microsoftonline.cn",
            "https://microsoftgraph.chinacloudapi.cn/v1.0",
            "https://microsoftgraph.chinacloudapi.cn/.default",
        ),
    ],
)
def test_each_cloud_has_its_addresses(cloud, authority, graph, scope):
    settings = EntraSettings.for_cloud(cloud, tenant_id="t", client_id="c", credential=SECRET)

    assert (settings.authority_url, settings.graph_url) == (authority, graph)
    assert scope_of(settings.graph_url) == scope
    assert cloud in CLOUDS


def test_an_address_given_outright_wins():
    settings = EntraSettings.for_cloud(
        "usgov",
        tenant_id="t",
        client_id="c",
        credential=SECRET,
        authority_url="https://127.0.0.1:8443/",
        graph_url=" https://[::1]:8443/v1.0/ ",
        ca_file=Path("ca.pem"),
    )

    assert settings.authority_url == "https://127.0.0.1:8443"
    assert settings.graph_url == "https://[::1]:8443/v1.0"
    assert scope_of(settings.graph_url) == "https://[::1]:8443/.default"
    assert settings.ca_file == Path("ca.pem")


@pytest.mark.parametrize(
    "address",
    [
        "http://graph.test/v1.0",
        "ftp://graph.test",
        "graph.test/v1.0",
        "https://",
        "https:///v1.0",
        "https://me:geheim@graph.test",
        "https://geheim@graph.test",
        "https://graph.test/v1.0?geheim",
        "https://graph.test/v1.0?",
        "https://graph.test/#x",
        "https://graph.test:port/",
        "https://graph.test:0/",
        "https://gra ph.test/",
        "https://[graph.test/",
    ],
)
def test_an_address_that_a_secret_must_not_go_to_is_refused(address):
    for name in ("authority_url", "graph_url"):
        with pytest.raises(Invalid) as caught:
            EntraSettings.for_cloud(tenant_id="t", client_id="c", credential=SECRET, **{name: address})
        assert "geheim" not in caught.value.message


def test_a_cloud_that_does_not_exist_is_refused():
    with pytest.raises(Invalid, match="moon") as caught:
        EntraSettings.for_cloud("moon", tenant_id="t", client_id="c", credential=SECRET)
    assert "usgov-dod" in caught.value.hint


def test_no_repr_shows_a_secret():
    for credential in (SECRET, ClientCertificate("hidden-value", "hidden-value")):
        settings = EntraSettings.for_cloud(tenant_id="t", client_id="c", credential=credential)
        assert "hidden-value" not in repr(settings)


def test_the_package_exports_what_it_says():
    assert entra.__all__ == sorted(entra.__all__)
    assert all(hasattr(entra, name) for name in entra.__all__)
    assert not hasattr(entra, "Nonsense")
