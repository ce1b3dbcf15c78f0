"""The intake of pushed items: acknowledged or an error, what is there is not published again, a bounded queue."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from streams.errors import TransientError
from streams.gateway.intake import BusyError, Intake, Pushed
from streams.kafka.link import Output

if TYPE_CHECKING:
    from collections.abc import Sequence


class Sent:
    """A sender that remembers; it fails, or holds, as long as it is told to."""

    def __init__(self) -> None:
        self.outputs: list[Output] = []
        self.opened = self.closed = 0
        self.fail = False
        self.hold = threading.Event()
        self.hold.set()
        self.reached = threading.Event()

    def open(self) -> Sent:
        self.opened += 1
        return self

    def send_all(self, outputs: Sequence[Output]) -> None:
        self.reached.set()
        self.hold.wait(30)
        if self.fail:
            raise TransientError("Kafka is away")
        self.outputs += outputs

    def close(self) -> None:
        self.closed += 1


def pushed(number: int, text: str = "") -> Pushed:
    uri = f"urn:x:{number}"
    return Pushed(uri, f"{number} {text}".encode(), Output("t", uri.encode(), text.encode(), []))


def publish(intake: Intake, *batches: list[Pushed]) -> list[int]:
    async def run() -> list[int]:
        return [await intake.publish(batch, asyncio.get_running_loop()) for batch in batches]

    return asyncio.run(run())


def test_the_same_item_is_published_once_and_a_changed_one_again() -> None:
    sent = Sent()
    intake = Intake(sent.open)
    batches = [pushed(1), pushed(2)], [pushed(2), pushed(3), pushed(3)], [pushed(1, "new")], [pushed(1)]
    assert publish(intake, *batches) == [2, 1, 1, 1]
    assert len(sent.outputs) == 5
    intake.close()
    assert (sent.opened, sent.closed) == (1, 1)


def test_what_failed_is_not_taken_for_published_and_the_next_one_connects_anew() -> None:
    sent = Sent()
    intake = Intake(sent.open)
    sent.fail = True
    with pytest.raises(TransientError):
        publish(intake, [pushed(1)])
    sent.fail = False
    assert publish(intake, [pushed(1)]) == [1]
    intake.close()
    assert (sent.opened, sent.closed) == (2, 2)


def test_the_memory_is_bounded() -> None:
    intake = Intake(Sent().open, known=3)
    assert publish(intake, [pushed(n) for n in range(5)], [pushed(0)], [pushed(4)]) == [5, 1, 0]
    assert len(intake._known) == 3
    intake.close()


def test_more_than_so_many_requests_are_sent_away() -> None:
    sent = Sent()
    sent.hold.clear()
    intake = Intake(sent.open, waiting=2)

    async def run() -> None:
        loop = asyncio.get_running_loop()
        held = [asyncio.create_task(intake.publish([pushed(n)], loop)) for n in range(2)]
        await asyncio.to_thread(sent.reached.wait, 30)
        with pytest.raises(BusyError):
            await intake.publish([pushed(3)], loop)
        sent.hold.set()
        assert await asyncio.gather(*held) == [1, 1]
        assert await intake.publish([pushed(3)], loop) == 1

    asyncio.run(run())
    intake.close()


def test_who_waits_is_told_that_the_gateway_ends_and_nobody_waits_for_kafka() -> None:
    sent = Sent()
    sent.hold.clear()
    intake = Intake(sent.open)

    async def run() -> None:
        loop = asyncio.get_running_loop()
        held = [asyncio.create_task(intake.publish([pushed(n)], loop)) for n in range(2)]
        await asyncio.to_thread(sent.reached.wait, 30)
        intake.give_up()
        for task in held:
            with pytest.raises(TransientError, match="the gateway ends"):
                await task
        with pytest.raises(TransientError, match="the gateway ends"):
            await intake.publish([pushed(3)], loop)

    asyncio.run(run())
    intake.close(seconds=0.01)
    assert sent.closed == 0
    assert intake._thread.daemon  # Python does not wait for it at the end of the process
    sent.hold.set()
    intake._thread.join(30)
    assert [output.key for output in sent.outputs] == [b"urn:x:0"]  # what nobody waits for is not sent any more
    assert sent.closed == 1
