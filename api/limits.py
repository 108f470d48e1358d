"""May this caller run this operation, and what will it cost?

One walk answers for permissions, depth, aliases and cost together. A fragment is measured once,
however often and however deep it is spread: the walk is linear in the length of the document.

The cost of an operation is the greatest number of objects its answer can hold, and 10 more for
each mutation. Scalars are free. A page counts as many items as `first` or `last` asks for (25 when
neither does), a list of ids as many as there are, any other list 5; lists within lists multiply.
Introspection costs 50 for each `__schema` or `__type`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationType,
    VariableNode,
)

from api.access import Caller
from api.errors import ApiError, Forbidden, TooComplex, Unauthenticated, ValidationFailed
from api.facts import SIZES, Facts, Shape, facts_of_all
from domain.people import Role

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphql import (
        GraphQLSchema,
        OperationDefinitionNode,
        SelectionSetNode,
        ValueNode,
    )

    from api.documents import Document

MAX_DEPTH: Final = 12
MAX_ALIASES: Final = 30
MAX_COST: Final = 1000
MAX_COST_ANALYST: Final = 5000
#: Fields asked for twice in one place, and fragments side by side. Validation compares such fields
#: pair by pair, which is quadratic: 2000 tokens of them would take it a second.
MAX_REPEATS: Final = 30
MAX_FRAGMENTS: Final = 50
#: Selection sets within each other, fragments' too, so that the walk cannot overflow the stack.
MAX_NESTING: Final = 60

MUTATION: Final = 10
INTROSPECTION: Final = 50

#: More findings than this for one document are not worth keeping.
_MAX_FINDINGS: Final = 32


class Measure(NamedTuple):
    """What a selection set comes to."""

    depth: int = 0
    aliases: int = 0
    #: Cost of what is there once, and of what is there once for each item of the page around it.
    once: int = 0
    each: int = 0


class Finding(NamedTuple):
    """What the walk found of an operation."""

    cost: int
    #: Too deep, too wide, too dear: told before the document is even validated.
    excess: ApiError | None
    #: Who may not use what.
    denials: list[ApiError]
    introspects: bool


class Limits:
    """The limits of one schema."""

    def __init__(self, schema: GraphQLSchema, *, introspection: frozenset[Caller]) -> None:
        """`introspection` says who may ask for the schema itself."""
        self.introspection = introspection
        self.types = facts_of_all(schema)
        roots = {operation: schema.get_root_type(operation) for operation in OperationType}
        self.roots = {operation: root.name for operation, root in roots.items() if root}

    def measure(
        self, document: Document, name: str | None, variables: Mapping[str, Any], caller: Caller
    ) -> Finding:
        """What the operation of that name comes to for this caller with these variables.

        Raises BadUserInput when there is no such operation.
        """
        operation = document.operation(name)
        # Of the variables only those that give sizes matter, and which those are never changes.
        consulted = document.sizes.get(name)
        if consulted is not None:
            known = document.findings.get((name, caller, _sizes(consulted, variables)))
            if known is not None:
                return known
        walk = Walk(self, document, variables, caller)
        finding = walk.operation(operation)
        document.sizes[name] = consulted = tuple(walk.consulted)
        if len(document.findings) >= _MAX_FINDINGS:
            document.findings.clear()
        document.findings[name, caller, _sizes(consulted, variables)] = finding
        return finding


def _sizes(names: tuple[str, ...], variables: Mapping[str, Any]) -> tuple[int | None, ...]:
    return tuple(_size_of(variables[name]) if name in variables else -1 for name in names)


def _size_of(value: Any) -> int | None:
    if isinstance(value, int):
        return max(0, value)
    return len(value) if isinstance(value, list) else None


class Walk:
    """One walk over one operation."""

    def __init__(
        self, limits: Limits, document: Document, variables: Mapping[str, Any], caller: Caller
    ) -> None:
        self.limits = limits
        self.document = document
        self.variables = variables
        self.caller = caller
        #: How many selections were looked at: the measure of the walk's own cost.
        self.visits = 0
        self.introspects = False
        #: The variables that gave sizes.
        self.consulted: dict[str, None] = {}
        self._defaults: dict[str, ValueNode | None] = {}
        self._repeats = 0
        self._fragments: dict[str, Measure] = {}
        self._denied: dict[str, ApiError] = {}

    def operation(self, node: OperationDefinitionNode) -> Finding:
        """What an operation comes to."""
        root = self.limits.roots.get(node.operation)
        definitions = node.variable_definitions or ()
        self._defaults = {d.variable.name.value: d.default_value for d in definitions}
        try:
            measure = self._selections(node.selection_set, root, 0)
        except (TooComplex, ValidationFailed) as error:
            return Finding(0, error, [], introspects=False)
        cost = max(1, measure.once + measure.each)
        denials = list(self._denied.values())
        return Finding(cost, self._excess(measure, cost), denials, self.introspects)

    def _excess(self, measure: Measure, cost: int) -> TooComplex | None:
        allowed = MAX_COST_ANALYST if self.caller is Role.ANALYST else MAX_COST
        for what, found, limit in (
            ("depth", measure.depth, MAX_DEPTH),
            ("aliases", measure.aliases, MAX_ALIASES),
            ("cost", cost, allowed),
        ):
            if found > limit:
                message = f"The operation's {what} is {_number(found)}; at most {limit} is allowed."
                return TooComplex(message, **{what: min(found, 2**53)}, limit=limit)
        return None

    def _selections(self, node: SelectionSetNode, type_: str | None, nesting: int) -> Measure:
        if nesting > MAX_NESTING:
            raise TooComplex("The document's selections are nested too deeply.", nodes=node)
        if not node.selections:
            raise ValidationFailed("Name at least one field between the braces.", nodes=node)
        self._check_width(node)
        depth = aliases = once = each = 0
        for selection in node.selections:
            self.visits += 1
            if isinstance(selection, FieldNode):
                measure = self._field(selection, type_, nesting)
            elif isinstance(selection, FragmentSpreadNode):
                measure = self._spread(selection.name.value, nesting)
            elif isinstance(selection, InlineFragmentNode):
                condition = selection.type_condition
                inner = condition.name.value if condition else type_
                measure = self._selections(selection.selection_set, inner, nesting + 1)
            depth = max(depth, measure.depth)
            aliases += measure.aliases
            once += measure.once
            each += measure.each
        return Measure(depth, aliases, once, each)

    def _check_width(self, node: SelectionSetNode) -> None:
        fields = [s for s in node.selections if isinstance(s, FieldNode)]
        names = {(f.alias or f.name).value for f in fields}
        self._repeats += len(fields) - len(names)
        if self._repeats > MAX_REPEATS:
            message = f"More than {MAX_REPEATS} fields are asked for again in the same place."
            raise TooComplex(message, nodes=node)
        if len(node.selections) - len(fields) > MAX_FRAGMENTS:
            message = f"More than {MAX_FRAGMENTS} fragments are spread in one place."
            raise TooComplex(message, nodes=node)

    def _spread(self, name: str, nesting: int) -> Measure:
        measure = self._fragments.get(name)
        if measure is None:
            fragment = self.document.fragments.get(name)
            # A cycle adds nothing, and an unknown fragment is for validation to report.
            self._fragments[name] = measure = Measure()
            if fragment is not None:
                condition = fragment.type_condition.name.value
                measure = self._selections(fragment.selection_set, condition, nesting + 1)
                self._fragments[name] = measure
        return measure

    def _field(self, node: FieldNode, type_: str | None, nesting: int) -> Measure:
        name = node.name.value
        alias = 1 if node.alias else 0
        if name.startswith("__"):
            return self._introspection(node, alias, nesting)
        facts = self.limits.types.get(type_, {}).get(name) if type_ else None
        if facts is not None and self.caller not in facts.callers:
            self._deny(f"{type_}.{name}", node)
        extra = MUTATION if type_ == self.limits.roots.get(OperationType.MUTATION) else 0
        if node.selection_set is None:
            return Measure(1, alias, extra)
        inner = self._selections(node.selection_set, facts.type if facts else None, nesting + 1)
        depth, aliases = inner.depth + 1, inner.aliases + alias
        if facts is None:
            return Measure(depth, aliases)
        if facts.shape is Shape.ITEMS:
            return Measure(depth, aliases, 0, 1 + inner.once + inner.each)
        return Measure(depth, aliases, extra + self._cost(node, facts, inner))

    def _cost(self, node: FieldNode, facts: Facts, inner: Measure) -> int:
        if facts.shape is Shape.PAGE:
            return 1 + inner.once + min(self._size(node, facts.size), facts.most) * inner.each
        if facts.shape is Shape.LIST:
            return self._size(node, facts.size) * (1 + inner.once + inner.each)
        return 1 + inner.once + inner.each

    def _size(self, node: FieldNode, usual: int) -> int:
        for argument in node.arguments or ():
            if argument.name.value in SIZES:
                size = self._value(argument.value)
                if size is not None:
                    return size
        return usual

    def _value(self, node: ValueNode | None) -> int | None:
        if isinstance(node, VariableNode):
            name = node.name.value
            self.consulted[name] = None
            if name in self.variables:
                return _size_of(self.variables[name])
            return self._value(self._defaults.get(name))
        if isinstance(node, IntValueNode):
            return max(0, int(node.value[:9]))
        return len(node.values) if isinstance(node, ListValueNode) else None

    def _introspection(self, node: FieldNode, alias: int, nesting: int) -> Measure:
        if node.selection_set is None:
            return Measure(1, alias)
        self.introspects = True
        if self.caller not in self.limits.introspection:
            self._deny(node.name.value, node)
        # Its own rule limits its depth; here only its aliases count.
        inner = self._selections(node.selection_set, None, nesting + 1)
        return Measure(1, alias + inner.aliases, INTROSPECTION)

    def _deny(self, what: str, node: FieldNode) -> None:
        if what not in self._denied:
            self._denied[what] = (
                Unauthenticated(f"Sign in to use {what}.", nodes=node)
                if self.caller is None
                else Forbidden(f"Your role may not use {what}.", nodes=node, field=what)
            )


def _number(value: int) -> str:
    return str(value) if value < 10**9 else "over a billion"
