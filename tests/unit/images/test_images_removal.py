from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.images.removal import Decision, ImageInUse, ReferenceInUse, User, decide
from wherry.oci import digest as digests
from wherry.oci import reference
from wherry.oci.digest import encoded

IMAGE = digests.of(b"image")
SHORT = encoded(IMAGE)[:12]
RUNNING = User("aaaaaaaaaaaa1111", True)
STOPPED = User("bbbbbbbbbbbb2222", False)
A, A2, B = (reference.parse(text) for text in ("a:1", "a:2", "b:1"))
A_DIGEST, B_DIGEST = (reference.parse(f"{name}@{digests.of(b'm')}") for name in "ab")


def test_a_name_goes_alone_while_others_are_left() -> None:
    assert decide(IMAGE, [A, B], "a:1", [RUNNING]) == Decision((A,), delete=False)


def test_the_last_name_takes_the_image_along() -> None:
    assert decide(IMAGE, [A], "a:1", []) == Decision((A,), delete=True)


def test_the_last_tag_of_a_repository_takes_its_digests_along() -> None:
    assert decide(IMAGE, [A, A_DIGEST, B_DIGEST], "a:1", []) == Decision((A, A_DIGEST), delete=False)
    assert decide(IMAGE, [A, A_DIGEST], "a:1", []) == Decision((A, A_DIGEST), delete=True)
    assert decide(IMAGE, [A, A2, A_DIGEST], "a:1", []) == Decision((A,), delete=False)


def test_a_digest_takes_no_tag_along() -> None:
    assert decide(IMAGE, [A, A_DIGEST], A_DIGEST.familiar, []) == Decision((A_DIGEST,), delete=False)


def test_the_id_of_an_image_with_one_name_takes_everything() -> None:
    for asked in (IMAGE, encoded(IMAGE), SHORT, "sha256:" + SHORT):
        assert decide(IMAGE, [A, A_DIGEST], asked, []) == Decision((A, A_DIGEST), delete=True)


def test_the_id_of_an_image_with_several_names_needs_force() -> None:
    with pytest.raises(ImageInUse) as caught:
        decide(IMAGE, [A, B], IMAGE, [])
    assert caught.value.message == (
        f"conflict: unable to delete {SHORT} (must be forced) - image is referenced in multiple repositories"
    )
    assert decide(IMAGE, [A, B], IMAGE, [], force=True) == Decision((A, B), delete=True)


def test_a_running_container_keeps_the_image_even_from_force() -> None:
    for force in (False, True):
        with pytest.raises(ImageInUse) as caught:
            decide(IMAGE, [A], IMAGE, [STOPPED, RUNNING], force=force)
        assert caught.value.message == (
            f"conflict: unable to delete {SHORT} (cannot be forced) - image is being used by running container "
            "aaaaaaaaaaaa"
        )


def test_a_stopped_container_keeps_the_image_unless_forced() -> None:
    with pytest.raises(ImageInUse) as caught:
        decide(IMAGE, [A], SHORT, [STOPPED])
    assert caught.value.message == (
        f"conflict: unable to delete {SHORT} (must be forced) - image is being used by stopped container bbbbbbbbbbbb"
    )
    assert decide(IMAGE, [A], SHORT, [STOPPED], force=True).delete


def test_the_last_name_of_a_used_image_stays_unless_forced() -> None:
    with pytest.raises(ReferenceInUse) as caught:
        decide(IMAGE, [A, A_DIGEST], "a:1", [STOPPED])
    assert caught.value.message == (
        'conflict: unable to remove repository reference "a:1" (must force) - container bbbbbbbbbbbb is using its '
        f"referenced image {SHORT}"
    )
    assert decide(IMAGE, [A], "a:1", [STOPPED], force=True) == Decision((A,), delete=True)


def test_force_by_name_leaves_a_running_container_s_image_without_a_name() -> None:
    assert decide(IMAGE, [A], "a:1", [RUNNING], force=True) == Decision((A,), delete=False)


@given(
    names=st.lists(st.sampled_from([A, A2, B, A_DIGEST, B_DIGEST]), unique=True),
    by_id=st.booleans(),
    force=st.booleans(),
    users=st.lists(st.sampled_from([RUNNING, STOPPED])),
)
def test_an_image_with_a_running_container_or_a_name_left_is_never_deleted(
    names: list[reference.Reference], by_id: bool, force: bool, users: list[User]
) -> None:
    asked = IMAGE if by_id or not names else names[0].familiar
    try:
        decision = decide(IMAGE, names, asked, users, force=force)
    except (ImageInUse, ReferenceInUse):
        assert users or len(names) > 1
        return
    assert set(decision.untag) <= set(names)
    if decision.delete:
        assert set(decision.untag) == set(names)
        assert RUNNING not in users
