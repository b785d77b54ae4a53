"""When garbage is looked for: not while a command starts, again once it says that it is at work."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from cmp.commands.starting import at_work
from cmp.garbage import undisturbed


class Cycle:
    """Held by nobody but itself."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def enabled() -> Iterator[None]:
    assert gc.isenabled()
    yield
    gc.enable()


def test_within_it_is_not_and_afterwards_it_is() -> None:
    with undisturbed():
        assert not gc.isenabled()
        with undisturbed():
            pass
        assert not gc.isenabled(), "the outer one lasts"
    assert gc.isenabled()


def test_an_error_ends_it_too() -> None:
    with pytest.raises(RuntimeError), undisturbed():
        raise RuntimeError("refused")
    assert gc.isenabled()


def test_where_it_was_not_before_it_is_not_afterwards() -> None:
    gc.disable()
    with undisturbed():
        pass
    assert not gc.isenabled()


def test_a_command_at_work_looks_through_what_comes_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    with undisturbed():
        loaded = Cycle()
        before = gc.get_freeze_count()
        at_work("consentry serve: here")
        assert gc.isenabled()
        assert gc.get_freeze_count() > before
        assert not any(one is loaded for one in gc.get_objects()), "it stays and is not looked through"
        gone = weakref.ref(Cycle())
        gc.collect()
        assert gone() is None
    assert capsys.readouterr().out == "consentry serve: here\n"
