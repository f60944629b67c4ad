"""Torch modules in evaluation mode while a model is looked at, and all as before afterwards.

Functions may hide their modules where no search finds them. One that is in training mode shows
itself when it is called: it is put into evaluation mode then, before it computes anything.
"""

import gc
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_pre_hook
from torch.nn.parameter import is_lazy

__all__ = ["evaluation_mode"]


@contextmanager
def evaluation_mode(modules: list[nn.Module]) -> Iterator[None]:
    """Put modules into evaluation mode, and every part of them back into its own afterwards.

    So is any other module that existed before, as soon as it is called in this thread, and those
    that it is a part of. One that a function makes for itself at each call is left as it is. Where
    buffers of any module in training mode have changed nevertheless, they get their values back.

    Parameters
    ----------
    modules
        Those that are known. Others are added when they show themselves.
    """
    thread = threading.get_ident()
    with ExitStack() as stack:
        modes = _Modes(stack)
        for module in modules:
            modes.take(module)

        def called(module: nn.Module, _: object) -> None:
            if torch.compiler.is_compiling():
                # The compiler has no use for this, and the module around has been called already.
                return
            if threading.get_ident() != thread:
                modes.elsewhere.add(id(module))
            elif modes.is_hidden(module):
                modules.extend(modes.take(module))

        stack.callback(register_module_forward_pre_hook(called).remove)
        yield


class _Modes:
    """What is put into evaluation mode, with all that a stack needs to undo it."""

    def __init__(self, stack: ExitStack) -> None:
        self.stack = stack
        self.taken: dict[int, nn.Module] = {}
        # Called in other threads: what changes there is no doing of this one.
        self.elsewhere: set[int] = set()
        # Kept, so that their ids stay theirs.
        self.alive = {id(module): module for module in _alive()}
        self.owners: dict[int, list[nn.Module]] = {}
        self.checked: set[int] = set()
        for module in self.alive.values():
            for part in vars(module)["_modules"].values():
                self.owners.setdefault(id(part), []).append(module)
            if module.training:
                self._keep_values(module, of_weights=False)

    def is_hidden(self, module: nn.Module) -> bool:
        """Whether a module, or one that it is a part of, is in training mode and existed before.

        Of one that is in training mode once more, by its own will, this is said only once.
        """
        # What is frozen is not listed among what is alive.
        existed = id(module) in self.alive or gc.get_freeze_count() > 0
        if id(module) in self.checked or not existed:
            return False
        self.checked.add(id(module))
        return any(here.training for here in self._around(module))

    def take(self, module: nn.Module) -> list[nn.Module]:
        """Put a module, and those that it is a part of, into evaluation mode; return them."""
        around = self._around(module)
        parts = [part for root in around for part in root.modules()]
        new = list({id(part): part for part in parts if id(part) not in self.taken}.values())
        self.taken.update((id(part), part) for part in new)
        # Undone in the opposite order: what train() of a user's class does comes first, and then
        # the mode and the values that each part had, whatever it did.
        switched = {id(part) for root in new if _switches(root) for part in root.modules()}
        for part in new:
            self._keep_values(part, of_weights=id(part) in switched)
            self.stack.callback(setattr, part, "training", part.training)
        for part in reversed(new):
            if _switches(part):
                self.stack.callback(part.train, part.training)
        for root in around:
            root.eval()
        return around

    def _around(self, module: nn.Module) -> list[nn.Module]:
        found, queue = {id(module): module}, [module]
        while queue:
            for owner in self.owners.get(id(queue.pop()), []):
                if id(owner) not in found:
                    found[id(owner)] = owner
                    queue.append(owner)
        return list(found.values())

    def _keep_values(self, module: nn.Module, *, of_weights: bool) -> None:
        """Let the buffers of a module itself, and its weights where asked for, be restored."""
        named = list(module.named_buffers(recurse=False))
        named += module.named_parameters(recurse=False) if of_weights else []
        for name, values in named:
            if not (is_lazy(values) or values.is_meta):
                self.stack.callback(self._restore, module, name, values, values.detach().clone())

    @torch.no_grad()
    def _restore(self, module: nn.Module, name: str, values: Tensor, before: Tensor) -> None:
        if id(module) in self.elsewhere:
            return
        if getattr(module, name, None) is not values:
            setattr(module, name, values)
        # What has not changed is not written: a graph of gradients may still need it as it is.
        if before.layout != torch.strided or not torch.equal(values, before):
            values.copy_(before)


def _alive() -> list[nn.Module]:
    """Return the modules that there are, but for those that are being made."""
    found = [here for here in gc.get_objects() if issubclass(type(here), nn.Module)]
    return [module for module in found if "_modules" in vars(module)]


def _switches(module: nn.Module) -> bool:
    """Whether a module does more when its mode changes than torch's do, as merging weights."""
    kind, own = type(module), vars(module)
    plain = kind.train is nn.Module.train and kind.eval is nn.Module.eval
    return not (plain or isinstance(module, torch.jit.ScriptModule)) or bool(
        {"train", "eval"} & own.keys()
    )
