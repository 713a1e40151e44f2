"""The models of a server: which there are, which one a client means, and loading and unloading while it runs.

The first is the default, for clients that name none. Unloading waits: nobody begins with the model any more, and it is
freed when the last session that has it has ended. To end these at once would lose what they would still hear, and to
refuse while there are any would never end where clients come and go. The default stays, as somebody may come at any
time who names none.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import trio

from auricle.engines.loading import EngineLoader
from auricle.engines.protocol import Engine, EngineInfo, EngineUnavailable
from auricle.server.models.served_model import ModelObserver, ModelState, ServedModel

logger = logging.getLogger(__name__)

Source = Callable[[str | None, int, int], Engine | EngineLoader]
"""Returns what loads a model, given its name, its place among the models, from 0, and how many there are with it."""


class ModelRefused(Exception):
    """A model cannot be used, loaded or unloaded. The message is a sentence."""


class ModelPool:
    """Those of one server. ``names`` are loaded first; None is whatever the engine chooses.

    ``tries`` says whether they are tried on a clip.
    """

    def __init__(
        self,
        names: tuple[str | None, ...],
        source: Source,
        *,
        observers: tuple[ModelObserver, ...] = (),
        tries: bool = True,
    ) -> None:
        self._source = source
        self._tries = tries
        self._observers = observers
        self._models = [self._made(name, place, len(names)) for place, name in enumerate(names)]
        self._nursery: trio.Nursery | None = None
        self._stop = trio.Event()
        self._stopped = trio.Event()

    def __iter__(self) -> Iterator[ServedModel]:
        """Iterate over all of them, the default one first."""
        return iter(tuple(self._models))

    @property
    def default(self) -> ServedModel:
        """The one for clients that name none."""
        return self._models[0]

    @property
    def names(self) -> tuple[str, ...]:
        """What clients may ask for: the models that are loaded and stay."""
        return tuple(model.name for model in self._models if model.state is ModelState.SERVING)

    def find(self, name: str | None) -> ServedModel | None:
        """Return the model that a client means, the default for None; None where there is no such one."""
        if name is None:
            return self.default
        return next((model for model in self._models if model.is_called(name) and not model.unloading), None)

    def unknown(self, name: str) -> str:
        """Return the clause that says so to a client that asks for a model that is not there."""
        known = " and ".join(repr(each) for each in self.names)
        return f"this server runs {known or 'no model yet'}, not {name!r}"

    async def answers(self) -> str:
        """Wait until all that were named in the beginning answer, and name the default. Raises `EngineUnavailable`."""
        return _named([await model.answers() for model in self])

    async def loaded(self) -> str:
        """Wait until all of them are loaded, and name the default. Raises `EngineUnavailable`."""
        return _named([await model.actor.loaded() for model in self])

    @contextmanager
    def using(self, model: ServedModel) -> Iterator[None]:
        """Count a session as one that has ``model``, for the length of the block."""
        model.sessions += 1
        try:
            yield
        finally:
            model.sessions -= 1
            self._free_if_unused(model)

    # ------------------------------------------------------------------------ the server

    async def run(self) -> None:
        """Run the engines until `stop`."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            for model in self._models:
                nursery.start_soon(model.run)
            await self._stop.wait()
            for model in self._models:
                model.actor.stop()
        self._stopped.set()

    async def stopped(self) -> None:
        """Wait until `run` has returned."""
        await self._stopped.wait()

    def stop(self) -> None:
        """Make `run` return, once the engines are closed."""
        self._stop.set()

    # ------------------------------------------------------------------------ the operator

    def load(self, name: str) -> ServedModel:
        """Begin to load a model, and return it: its state says what becomes of it. Raises `ModelRefused`.

        One that is being unloaded stays, and one that could not be loaded is tried again.
        """
        known = next((model for model in self._models if model.is_called(name)), None)
        if known is not None and known.state is not ModelState.FAILED:
            if not known.unloading:
                raise ModelRefused(f"The model {known.name} is here already.")
            known.unloading = False
            return known
        if self._nursery is None or self._stop.is_set():
            raise ModelRefused("The server is shutting down.")
        if known is not None:
            self._free(known)
        place = len(self._models)
        model = self._made(name, place, place + 1)
        self._models.append(model)
        logger.info("model %s: loading", model.name)
        self._nursery.start_soon(_run_and_tell, model)
        return model

    def unload(self, name: str) -> ServedModel:
        """Let nobody begin with a model any more, and free it once no session has it. Raises `ModelRefused`."""
        model = next((each for each in self._models if each.is_called(name)), None)
        if model is None:
            raise ModelRefused(f"There is no model {name[:100]!r} here.")
        if model is self.default:
            raise ModelRefused(f"{model.name} is the default model, for clients that name none: it stays.")
        if model.state is ModelState.LOADING:
            raise ModelRefused(f"The model {model.name} is still loading: unload it once it is there.")
        model.unloading = True
        logger.info("model %s: unloading, %d sessions have it", model.name, model.sessions)
        self._free_if_unused(model)
        return model

    def _free_if_unused(self, model: ServedModel) -> None:
        if model.unloading and not model.sessions:
            self._free(model)

    def _free(self, model: ServedModel) -> None:
        if model in self._models:
            self._models.remove(model)
            model.actor.stop()
            logger.info("model %s: unloaded", model.name)

    def _made(self, name: str | None, place: int, models: int) -> ServedModel:
        return ServedModel(name, self._source(name, place, models), observers=self._observers, tries=self._tries)


async def _run_and_tell(model: ServedModel) -> None:
    """Run a model that an operator has asked for, and log what has become of that."""

    async def tell() -> None:
        try:
            info = await model.actor.loaded()
        except EngineUnavailable as error:
            logger.warning("model %s: not loaded: %s", model.name, error)
        else:
            logger.info("model %s: loaded", info.model)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(tell)
        await model.run()
        nursery.cancel_scope.cancel()


def _named(infos: Sequence[EngineInfo]) -> str:
    return f"{infos[0].name} {infos[0].model}"
