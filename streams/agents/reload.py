"""Another model without a stop: loaded beside the one that labels, which gives way between two batches.

The pointer is the folder that the worker was given (`model.directory`, `--model`), mostly a symbolic link. What stands
there is looked at every few seconds, and loaded when it has changed and then stood still; SIGHUP asks at once. A folder
that cannot be used leaves the running model where it is: one line in the log and one more failed reload.
"""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

from streams.collector import let_it_rest
from streams.errors import InvalidError

if TYPE_CHECKING:
    from collections.abc import Callable

    from streams.agents.labeller import LoadedModel
    from streams.metrics import Baseline, Metrics
    from streams.wire import Labels

log = logging.getLogger(__name__)

Result = TypeVar("Result")

# The old model's tables hold each other in circles and stand among what the collector was told to leave alone; so they
# go with one pass over everything (0.1 s seen), once the batches that were under way (a second each) are done.
TIDY_SECONDS = 10.0


class Serving(NamedTuple):
    """A loaded model and what stands and falls with it."""

    model: LoadedModel
    labels: Labels
    baseline: Baseline | None = None  # what its evaluation leads to expect


class Pointer(Protocol):
    """Where the worker's model comes from. Both methods are called in a thread of their own."""

    def look(self) -> object:
        """What stands there now, as a value that is equal as long as nothing changes. Cheap; never raises."""
        ...

    def load(self) -> Serving | None:
        """The model, verified, loaded and warmed up; None where it is the one that was loaded last.

        Raises InvalidError where it cannot be used.
        """
        ...


class Watch:
    """Decides when to load. `seen` is what `Pointer.look` said before the running model was loaded. Pure."""

    def __init__(self, seen: object) -> None:
        self._tried = seen
        self._last = seen

    def is_due(self, seen: object, *, told: bool) -> bool:
        """Whether to load now: when told, or when something new has stood there for two looks.

        Each state is tried once; a folder that is still being copied changes from look to look.
        """
        stands_still = seen == self._last
        self._last = seen
        if not told and (not stands_still or seen == self._tried):
            return False
        self._tried = seen
        return True


class Reloader:
    """Looks and loads; to be made within a running event loop.

    Args:
        pointer: where models come from.
        seen: what it said before the running model was loaded.
        labels: of the running model. A model with others writes other Kafka topics and is refused.
        take: puts a model in the place of the running one; called in the event loop.

    """

    def __init__(
        self, pointer: Pointer, seen: object, labels: Labels, take: Callable[[Serving], None], metrics: Metrics
    ) -> None:
        self._pointer = pointer
        self._watch = Watch(seen)
        self._labels = labels
        self._take = take
        self._metrics = metrics
        self._told = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, "model-loader")

    def tell(self) -> None:
        """Load what stands there, whatever it is."""
        self._told.set()

    async def run(self, seconds: float) -> None:
        """For ever; looks every `seconds`, with 0 only when told."""
        while True:
            told = await self._wait(seconds)
            seen = await self._beside(self._pointer.look)
            if self._watch.is_due(seen, told=told):
                await self._reload()

    def close(self) -> None:
        """A load that is under way ends by itself; nobody takes what it gives."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _wait(self, seconds: float) -> bool:
        """Whether it was told, within so long."""
        try:
            await asyncio.wait_for(self._told.wait(), seconds or None)
        except TimeoutError:
            return False
        self._told.clear()
        return True

    async def _reload(self) -> None:
        try:
            found = await self._beside(self._pointer.load)
            if found is not None:
                check_streams(self._labels, found.labels)
        except (InvalidError, OSError) as error:
            self._failed()
            log.error("the model stays: %s", error)  # noqa: TRY400  the message says all, a traceback hides it
        except Exception:  # the border to files of somebody else: nothing in them may end a worker that labels
            self._failed()
            log.exception("the model stays: a bug of ours, or a file that is none of a model")
        else:
            self._succeeded(found)

    def _failed(self) -> None:
        self._metrics.model_reload_failures.inc()

    def _succeeded(self, found: Serving | None) -> None:
        if found is None:
            log.info("told to reload; the model is the one that labels already")
            return
        self._take(found)
        self._metrics.model_reloads.inc()
        log.info("labelling with model %s %s from now on", found.model.name, found.model.version)
        asyncio.get_running_loop().call_later(TIDY_SECONDS, let_it_rest)

    async def _beside(self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def check_streams(running: Labels, found: Labels) -> None:
    """Raises InvalidError where another model's labels would go to other Kafka topics, which may not exist."""
    before = {code: label.slug for code, label in running.topics.items()}
    after = {code: label.slug for code, label in found.topics.items()}
    differing = sorted({f"{code} {slug}" for code, slug in before.items() ^ after.items()})
    if differing:
        listed = ", ".join(differing[:3]) + (f" and {len(differing) - 3} more" if len(differing) > 3 else "")
        raise InvalidError(
            f"the new model has other labels than the running one ({listed}): run `newswire topics create` and "
            "start the workers anew"
        )
