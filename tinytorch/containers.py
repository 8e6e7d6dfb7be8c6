"""Chapter 04, given: modules that hold modules. PyTorch: torch/nn/modules/container.py."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from tinytorch.layers import Module


class _Container(Module):
    """Modules by name, as attributes, in order."""

    def __len__(self) -> int:
        return sum(1 for _ in self.named_children())

    def __iter__(self) -> Iterator[Any]:
        return (vars(self)[name] for name, _ in self.named_children())


class ModuleList(_Container):
    """A list of modules that are found like attributes."""

    def __init__(self, modules: Iterable[Module] = ()) -> None:
        self.extend(modules)

    def append(self, module: Module) -> ModuleList:
        """Add a module at the end."""
        if not isinstance(module, Module):
            raise TypeError(f"{type(self).__name__}: needs modules, got {type(module).__name__}")
        setattr(self, str(len(self)), module)
        return self

    def extend(self, modules: Iterable[Module]) -> ModuleList:
        """Add modules at the end."""
        for module in modules:
            self.append(module)
        return self

    def __getitem__(self, index: int | slice) -> Any:
        """The module at `index`, or a container of those in a slice."""
        picked = list(self)[index]
        if not isinstance(index, slice):
            return picked
        return Sequential(*picked) if isinstance(self, Sequential) else ModuleList(picked)


class Sequential(ModuleList):
    """Modules one after the other: the output of each is the input of the next."""

    def __init__(self, *modules: Any) -> None:
        if len(modules) == 1 and isinstance(modules[0], dict):
            for name, module in modules[0].items():
                setattr(self, name, module)
        else:
            self.extend(modules)

    def forward(self, x: Any) -> Any:
        """Run all modules in order."""
        for module in self:
            x = module(x)
        return x


class ModuleDict(_Container):
    """A dictionary of modules that are found like attributes."""

    def __init__(self, modules: dict[str, Module] | None = None) -> None:
        for name, module in (modules or {}).items():
            self[name] = module

    def __setitem__(self, name: str, module: Module) -> None:
        setattr(self, name, module)

    def __getitem__(self, name: str) -> Any:
        return dict(self.named_children())[name]

    def __contains__(self, name: str) -> bool:
        return name in dict(self.named_children())

    def keys(self) -> list[str]:
        """The names."""
        return [name for name, _ in self.named_children()]

    def items(self) -> list[tuple[str, Module]]:
        """(name, module) in order."""
        return list(self.named_children())

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())
