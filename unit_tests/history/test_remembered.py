"""What is remembered of a frame is told again for the same question only, and forgotten with the block."""

from threading import Thread

import polars as pl

from oneup_pinterest.history.remembered import remembered, remembering

PINS = pl.DataFrame({"saves": [1, 2]})
asked: list[tuple[object, ...]] = []


@remembered
def answer(frame: pl.DataFrame, metrics: list[str], least: int = 0, *, other: pl.DataFrame | None = None) -> int:
    asked.append((frame.height, *metrics, least, None if other is None else other.height))
    return len(asked)


def test_the_same_question_however_it_is_put_is_worked_out_once() -> None:
    with remembering():
        first = answer(PINS, ["saves"])
        assert answer(PINS, metrics=["saves"], least=0, other=None) == first
        different = [answer(PINS, ["clicks"]), answer(PINS, ["saves"], 1), answer(PINS, ["saves"], other=PINS)]
        assert len({first, *different, answer(PINS.clone(), ["saves"])}) == 5


def test_nothing_is_remembered_outside_a_block_nor_after_it() -> None:
    assert answer(PINS, ["saves"]) != answer(PINS, ["saves"])
    with remembering():
        within = answer(PINS, ["saves"])
        with remembering():
            assert answer(PINS, ["saves"]) == within
        assert answer(PINS, ["saves"]) == within
    assert answer(PINS, ["saves"]) != within


def test_another_thread_remembers_for_itself() -> None:
    found: list[int] = []
    with remembering():
        mine = answer(PINS, ["saves"])
        thread = Thread(target=lambda: found.append(answer(PINS, ["saves"])))
        thread.start()
        thread.join()
    assert found != [mine]


def test_a_new_frame_is_never_taken_for_one_that_is_gone() -> None:
    with remembering():
        answers = {answer(pl.DataFrame({"saves": [n]}), ["saves"]) for n in range(50)}
    assert len(answers) == 50
