"""botocore's data files through our loader: the same content, without looking at all services."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import UnknownServiceError
from botocore.loaders import Loader

from aiowatchtower._aws.session import SparingLoader, new_session


@pytest.fixture(scope="module")
def botocores() -> Loader:
    """Return botocore's own loader."""
    return Loader()


@pytest.fixture
def ours(botocores) -> SparingLoader:
    """Return ours, for the same folders."""
    return SparingLoader(list(botocores.search_paths))


@pytest.mark.parametrize("name", ["endpoints", "partitions", "_retry", "sdk-default-configuration"])
def test_loads_what_botocore_loads(ours, botocores, name):
    """The same content from the same file."""
    assert ours.load_data_with_path(name) == botocores.load_data_with_path(name)


@pytest.mark.parametrize("service", ["logs", "sts", "sso-oidc"])
@pytest.mark.parametrize("kind", ["service-2", "endpoint-rule-set-1", "paginators-1"])
def test_loads_each_service_in_botocores_order(ours, botocores, service, kind):
    """Also the order of the keys: signatures and error messages may depend on it."""
    expected = botocores.load_service_model(service, kind)
    assert json.dumps(ours.load_service_model(service, kind)) == json.dumps(expected)


def test_knows_the_same_services(ours, botocores):
    """Asked for all of them, it looks for all of them."""
    known = ours.list_available_services("service-2")
    assert list(known) == botocores.list_available_services("service-2")
    assert len(known) == len(list(known)) > 100
    assert "logs" in known
    assert "log" not in known


def test_unknown_service_is_refused_as_by_botocore(ours, botocores):
    """With the names of those that there are."""
    with pytest.raises(UnknownServiceError) as expected:
        botocores.load_service_model("log", "service-2")
    with pytest.raises(UnknownServiceError) as refused:
        ours.load_service_model("log", "service-2")
    assert str(refused.value) == str(expected.value)


def test_models_in_aws_data_path_come_first(monkeypatch, tmp_path):
    """As botocore has it: https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html."""
    folder = tmp_path / "logs" / "2099-01-01"
    folder.mkdir(parents=True)
    (folder / "service-2.json").write_text('{"metadata": {"ours": true}}')
    monkeypatch.setenv("AWS_DATA_PATH", str(tmp_path))
    loader = new_session(None).get_component("data_loader")
    assert loader.load_service_model("logs", "service-2") == {"metadata": {"ours": True}}
    assert "sts" in loader.list_available_services("service-2")


def test_sessions_share_what_was_loaded():
    """Until AWS_DATA_PATH says something else."""
    one, other = (new_session(None).get_component("data_loader") for _ in range(2))
    assert one is other
