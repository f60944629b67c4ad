"""The torch modules that a function holds, wherever it holds them.

A search along references, as the garbage collector follows them: through objects, containers,
closures, defaults, partial functions, methods and generators, and the globals that code names.
"""

import dis
import gc
import sys
import weakref
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from types import CodeType, FunctionType, GeneratorType, MethodType, ModuleType

import torch
from torch import nn

__all__ = ["modules_of"]

# Of objects that are looked at: at some microseconds each.
_MOST = 30_000
# Of what one of them refers to: lists of data are long.
_MOST_OF_ONE = 2000
# What has values, and no modules.
_VALUES = (torch.Tensor, ModuleType, CodeType, str, bytes)
_DESCRIPTORS = (FunctionType, property, classmethod, staticmethod)
# Their globals are their own affair, and many.
_LIBRARIES = frozenset({*sys.stdlib_module_names, "torch", "numpy", "scipy"})
# What every module has: its parts, which are found with it, and its hooks.
_COMMON = frozenset(vars(nn.Module()))


def modules_of(functions: Iterable[object]) -> list[nn.Module]:
    """Return the torch modules that functions are, belong to, hold, or refer to by name.

    Parameters
    ----------
    functions
        Or any other objects.

    Returns
    -------
    list of torch.nn.Module
        Those that fewest references lead to first; none that is a part of an earlier one.
    """
    found: list[nn.Module] = []
    parts: set[int] = set()
    # The objects themselves are kept, so that none of the next ones gets an id that is free again.
    seen: dict[int, object] = {}
    queue = deque(functions)
    while queue and len(seen) < _MOST:
        here = queue.popleft()
        if id(here) in seen:
            continue
        seen[id(here)] = here
        if not issubclass(type(here), nn.Module):
            queue.extend(islice(_held(here), _MOST_OF_ONE))
        elif id(here) not in parts:
            found.append(here)
            own = list(here.modules())
            parts.update(map(id, own))
            # Modules in a plain list are no parts: evaluation mode does not reach them.
            queue.extend(held for part in own for held in _plain_attributes(part))
    return found


def _plain_attributes(module: nn.Module) -> list[object]:
    return [value for name, value in vars(module).items() if name not in _COMMON]


def _held(here: object) -> Iterator[object]:
    """Give what an object refers to, and may hold modules."""
    if isinstance(here, torch.ScriptMethod):
        # The module in C++ that it belongs to, with the training mode of the one in Python.
        yield torch.jit._recursive.wrap_cpp_module(here.owner)
    elif issubclass(type(here), weakref.ref):
        yield here()
    elif type(here) is MethodType:
        yield from (here.__self__, here.__func__)
    elif type(here) is FunctionType:
        yield from _of_function(here)
    elif type(here) is GeneratorType:
        if here.gi_frame is not None:
            yield from here.gi_frame.f_locals.values()
            yield from _named(here.gi_code, here.gi_frame.f_globals)
        yield here.gi_yieldfrom
    elif issubclass(type(here), type):
        yield from _class_attributes(here)
    elif gc.is_tracked(here) and not issubclass(type(here), _VALUES):
        yield from _class_attributes(type(here))
        for held in gc.get_referents(here):
            if _may_hold(held):
                yield held


def _may_hold(held: object) -> bool:
    # What holds no other object, as numbers do not, is not tracked.
    return (gc.is_tracked(held) or isinstance(held, torch.ScriptMethod)) and not issubclass(
        type(held), (type, *_VALUES)
    )


def _of_function(function: FunctionType) -> Iterator[object]:
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # Its name has no value yet.
            continue
    yield from function.__defaults__ or ()
    yield from (function.__kwdefaults__ or {}).values()
    yield from vars(function).values()
    if _root(function.__globals__.get("__name__")) not in _LIBRARIES:
        yield from _named(function.__code__, function.__globals__)


def _named(code: CodeType, names: dict[str, object]) -> Iterator[object]:
    """Give the globals that code names, and what it names of those that are Python modules."""
    for step in dis.get_instructions(code):
        if step.opname not in ("LOAD_GLOBAL", "LOAD_NAME") or step.argval not in names:
            continue
        value = names[step.argval]
        if isinstance(value, ModuleType) and _root(value.__name__) not in _LIBRARIES:
            yield from (vars(value)[name] for name in code.co_names if name in vars(value))
        else:
            yield value
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _named(inner, names)


def _class_attributes(kind: type) -> Iterator[object]:
    """Give what a user's class holds, but for its functions: they name what they may not use."""
    for base in kind.__mro__:
        if _root(base.__module__) not in _LIBRARIES:
            values = vars(base).values()
            yield from (value for value in values if not isinstance(value, _DESCRIPTORS))


def _root(name: object) -> str:
    return str(name).split(".")[0]
