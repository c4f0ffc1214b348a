"""Keys of KMS and their states, by plain boto3.

Source: KMS API Reference, the page of each action; Developer Guide, "Key states of AWS KMS keys".
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.instance import refused
from tests.support import Client, make_client

pytestmark = pytest.mark.usefixtures("emptied_each_time")

GRANT = {"GranteePrincipal": "arn:aws:iam::123456789012:role/x", "Operations": ["Decrypt"]}


@pytest.fixture
def kms(sandbox: Mapping[str, str]) -> Client:
    """KMS, without keys."""
    return make_client(sandbox, "kms")


@pytest.mark.parametrize("called", ["KeyId", "Arn"])
def test_the_states_of_a_key(kms: Client, called: str) -> None:
    """By the id or by the ARN: enabled, disabled, waiting for its deletion, and not any more, as the answers tell it."""
    made = kms.create_key()["KeyMetadata"]
    assert ("ENCRYPT_DECRYPT", "Enabled") == (made["KeyUsage"], made["KeyState"])
    name = {"KeyId": made[called]}
    blob = kms.encrypt(**name, Plaintext=b"x")["CiphertextBlob"]
    assert "KMSInvalidStateException" == refused(kms.cancel_key_deletion, **name)
    kms.disable_key(**name)
    for call, more in (
        (kms.encrypt, {**name, "Plaintext": b"x"}),
        (kms.decrypt, {"CiphertextBlob": blob}),
        (kms.generate_data_key, {**name, "KeySpec": "AES_256"}),
        (kms.create_grant, GRANT | name),
    ):
        assert "DisabledException" == refused(call, **more)
    kms.enable_key(**name)
    assert "InvalidArnException" == refused(kms.create_grant, **{**GRANT, **name, "GranteePrincipal": "somebody"})
    grant = kms.create_grant(**GRANT, **name)["GrantId"]
    assert [grant] == [one["GrantId"] for one in kms.list_grants(**name)["Grants"]]
    assert b"x" == kms.decrypt(CiphertextBlob=blob)["Plaintext"]
    assert "ValidationException" == refused(kms.schedule_key_deletion, **name, PendingWindowInDays=6)
    kms.enable_key_rotation(**name)
    answer = kms.schedule_key_deletion(**name, PendingWindowInDays=7)
    assert not kms.get_key_rotation_status(**name)["KeyRotationEnabled"]
    assert (made["Arn"], "PendingDeletion", 7) == (answer["KeyId"], answer["KeyState"], answer["PendingWindowInDays"])
    for call in (kms.enable_key, kms.disable_key, kms.schedule_key_deletion):
        assert "KMSInvalidStateException" == refused(call, **name)
    assert "KMSInvalidStateException" == refused(kms.encrypt, **name, Plaintext=b"x")
    assert made["Arn"] == kms.cancel_key_deletion(**name)["KeyId"]
    assert kms.get_key_rotation_status(**name)["KeyRotationEnabled"]
    found = kms.describe_key(**name)["KeyMetadata"]
    assert ("Disabled", False) == (found["KeyState"], found["Enabled"])


def test_the_list_of_keys(kms: Client) -> None:
    """Limit and Marker; a key that there is not, and one whose usage must be said."""
    made = {kms.create_key()["KeyMetadata"]["KeyId"] for _ in range(3)}
    pages = list(kms.get_paginator("list_keys").paginate(PaginationConfig={"PageSize": 2}))
    assert [(2, True), (1, False)] == [(len(page["Keys"]), page["Truncated"]) for page in pages]
    assert made == {one["KeyId"] for page in pages for one in page["Keys"]}
    assert "InvalidMarkerException" == refused(kms.list_keys, Marker="x")
    assert "NotFoundException" == refused(kms.disable_key, KeyId="alias/x")
    assert "ValidationException" == refused(kms.create_key, KeySpec="HMAC_256")


def test_a_disabled_key_signs_nothing(kms: Client) -> None:
    """DisabledException of Sign and GenerateMac."""
    key = kms.create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["KeyMetadata"]["KeyId"]
    mac = {"KeyId": key, "Message": b"x", "MacAlgorithm": "HMAC_SHA_256"}
    kms.generate_mac(**mac)
    kms.disable_key(KeyId=key)
    assert "DisabledException" == refused(kms.generate_mac, **mac)
