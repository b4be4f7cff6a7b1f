from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from ci.journal import Journal


def test_a_pin_stays_with_its_first_reason_until_it_is_lifted(opened: Callable[[], Journal]) -> None:
    bars = opened().bars
    assert bars.pins() == ()
    bars.pin("b" * 40, "errors went up", good="a" * 40)
    bars.pin("b" * 40, "another reason")
    (pin,) = opened().bars.pins()
    assert (pin.commit, pin.good, pin.reason) == ("b" * 40, "a" * 40, "errors went up")
    assert (bars.unpin("b" * 40), bars.unpin("b" * 40)) == (True, False)
    assert opened().bars.pins() == ()


def test_a_freeze_is_of_one_environment_and_stays_until_it_is_lifted(opened: Callable[[], Journal]) -> None:
    bars = opened().bars
    bars.freeze("staging", "a demo")
    assert bars.freeze("staging", "another").reason == "a demo"
    frozen = opened().bars.frozen("staging")
    assert frozen is not None
    assert (frozen.reason, bars.frozen("production")) == ("a demo", None)
    assert (bars.unfreeze("staging"), bars.unfreeze("staging")) == (True, False)
    assert bars.frozen("staging") is None
