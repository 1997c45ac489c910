"""What a template may use up: its steps and the size of its values, counted while it runs.

Here: `Budget`, and the code generator that has every value counted that a template makes. Only `sandbox`
imports this module. Steps and not seconds: a template that fits does so on every machine.
"""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, KeysView, Mapping, ValuesView
from typing import TYPE_CHECKING, Final

from jinja2 import nodes
from jinja2.compiler import CodeGenerator
from jinja2.runtime import LoopContext

if TYPE_CHECKING:
    from jinja2.compiler import Frame

STEPS: Final = 1_000_000
"""Passes of loops, elements of lists, calls; and of text so many times 16 characters."""
CHARACTERS_A_STEP: Final = 16
TEXT_LIMIT: Final = 1 << 20
"""Characters of one text that a template makes."""
ARGUMENT_LIMIT: Final = 200
"""Characters of an argument of a filter, test or method that looks at it for each element again."""
NUMBER_BITS: Final = 256
LONG_ARGUMENTS: Final = frozenset(("d", "default", "join", "replace"))


class RefusalError(Exception):
    """What a template may not do; the text says what and why, and holds no value."""


class Budget:
    """Counts what one run of a template uses up; every method refuses what goes beyond the bounds."""

    def __init__(self) -> None:
        self._left = STEPS

    def spend(self, steps: int) -> None:
        """Take away steps."""
        self._left -= steps
        if self._left < 0:
            raise RefusalError(
                f"it does too much: more than {STEPS} steps (passes of loops, elements of lists,"
                f" text by {CHARACTERS_A_STEP} characters)"
            )

    def kept(self, value: object) -> object:
        """Return a value, counted with all that is in it; an iterator comes as a tuple."""
        # A loop is an iterator itself, which must not be used up by who asks it for its index.
        if isinstance(value, Iterator) and not isinstance(value, LoopContext):
            return tuple(self.kept(item) for item in value)
        waiting = [value]
        while waiting:
            found = waiting.pop()
            match found:
                case str():
                    self.fits(len(found))
                    self.spend(1 + len(found) // CHARACTERS_A_STEP)
                case int():
                    if found.bit_length() > NUMBER_BITS:
                        raise RefusalError(f"a number has more than {NUMBER_BITS} bits")
                    self.spend(1)
                case list() | tuple():
                    self.spend(1 + len(found))
                    waiting.extend(found)
                case Mapping():
                    self.spend(1 + len(found))
                    waiting.extend(found)
                    waiting.extend(found.values())
                case range() | KeysView() | ValuesView() | ItemsView():
                    self.spend(1 + len(found))
                case _:
                    self.spend(1)
        return value

    def short(self, value: object) -> object:
        """Return an argument that may be looked at very often: no long text, no large number of things."""
        if isinstance(value, str) and len(value) > ARGUMENT_LIMIT:
            raise RefusalError(f"an argument is longer than {ARGUMENT_LIMIT} characters")
        return self.kept(value)

    @staticmethod
    def fits(size: int) -> None:
        """Refuse a text of so many characters, before it is made."""
        if size > TEXT_LIMIT:
            raise RefusalError(f"a text is longer than {TEXT_LIMIT} characters")


class CountingGenerator(CodeGenerator):
    """Generates code that hands each value to the environment's `kept`, `short` and `spend`.

    A value is counted where it is made, and once more where something that takes time looks at all of it.
    """

    def visit_Call(self, node: nodes.Call, frame: Frame, forward_caller: bool = False) -> None:  # noqa: N802
        """Count what a call returns; our own calls are written as they are."""
        if isinstance(node.node, nodes.EnvironmentAttribute):
            self.write(f"environment.{node.node.name}(")
            self.visit(node.args[0], frame)
        else:
            self.write("environment.kept(")
            super().visit_Call(node, frame, forward_caller=forward_caller)
        self.write(")")

    def visit_Filter(self, node: nodes.Filter, frame: Frame) -> None:  # noqa: N802
        """Count what goes into a filter and what comes out."""
        self._look_at(node)
        self.write("environment.kept(")
        super().visit_Filter(node, frame)
        self.write(")")

    def visit_Test(self, node: nodes.Test, frame: Frame) -> None:  # noqa: N802
        """Count what a test looks at."""
        self._look_at(node)
        super().visit_Test(node, frame)

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:  # noqa: N802
        """Count the parts before they are joined."""
        node.nodes = [_asked("kept", part) for part in node.nodes]
        self._kept("visit_Concat", node, frame)

    def visit_Compare(self, node: nodes.Compare, frame: Frame) -> None:  # noqa: N802
        """Count both sides of a comparison."""
        node.expr = _asked("kept", node.expr)
        for operand in node.ops:
            operand.expr = _asked("kept", operand.expr)
        super().visit_Compare(node, frame)

    def visit_List(self, node: nodes.List, frame: Frame) -> None:  # noqa: N802
        """Count a list with all that is in it: in lists of lists the same one may stand very often."""
        self._kept("visit_List", node, frame)

    def visit_Tuple(self, node: nodes.Tuple, frame: Frame) -> None:  # noqa: N802
        """Count a tuple, unless values are unpacked into it."""
        if node.ctx == "load":
            self._kept("visit_Tuple", node, frame)
        else:
            super().visit_Tuple(node, frame)

    def visit_Dict(self, node: nodes.Dict, frame: Frame) -> None:  # noqa: N802
        """Count a mapping."""
        self._kept("visit_Dict", node, frame)

    def visit_Getitem(self, node: nodes.Getitem, frame: Frame) -> None:  # noqa: N802
        """Count what is cut out, or what is looked for; what is found was there already."""
        if isinstance(node.arg, nodes.Slice):
            self._kept("visit_Getitem", node, frame)
            return
        if not isinstance(node.arg, nodes.Const):
            node.arg = _asked("kept", node.arg)
        super().visit_Getitem(node, frame)

    def visit_For(self, node: nodes.For, frame: Frame) -> None:  # noqa: N802
        """Count what is looped over, and in each pass the text of the loop itself."""
        texts = (len(data.data) for data in node.find_all(nodes.TemplateData))
        cost = nodes.Const(1 + sum(texts) // CHARACTERS_A_STEP, lineno=node.lineno)
        assert isinstance(node.iter, nodes.Expr)
        node.iter = _asked("kept", node.iter)
        node.body.insert(0, nodes.ExprStmt(_asked("spend", cost), lineno=node.lineno))
        super().visit_For(node, frame)

    def visit_Include(self, node: nodes.Stmt, frame: Frame) -> None:  # noqa: ARG002, N802
        """Refuse: there are no other templates."""
        what = type(node).__name__.lower().removeprefix("from")
        self.fail(f"no loader for {what}: a template is one file", node.lineno)

    visit_Import = visit_FromImport = visit_Extends = visit_Include  # noqa: N815

    def _look_at(self, node: nodes.Filter | nodes.Test) -> None:
        if node.dyn_args is not None or node.dyn_kwargs is not None:
            self.fail(f"{node.name} takes no * or **", node.lineno)
        if node.node is not None:  # a filter block has its text elsewhere
            node.node = _asked("kept", node.node)
        bound = "kept" if node.name in LONG_ARGUMENTS else "short"
        node.args = [_asked(bound, arg) for arg in node.args]
        for pair in node.kwargs:
            pair.value = _asked(bound, pair.value)

    def _kept(self, visit: str, node: nodes.Node, frame: Frame) -> None:
        self.write("environment.kept(")
        getattr(super(), visit)(node, frame)
        self.write(")")


def _asked(method: str, value: nodes.Expr) -> nodes.Call:
    """Return the call of a method of the environment with a value."""
    made = nodes.Call(
        nodes.EnvironmentAttribute(method), [value], [], None, None, lineno=value.lineno
    )
    made.environment = value.environment
    return made
