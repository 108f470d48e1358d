"""Has this document been read before? Parsing and validation are done once for each text.

Both depend on the text alone. What depends on who asks (permissions) or with which variables (page
sizes) is measured by api/limits.py and kept beside the document it belongs to.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final

from graphql import (
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    ValuesOfCorrectTypeRule,
    parse,
    specified_rules,
    validate,
)

from api.errors import ApiError, BadUserInput, ParseFailed, TooComplex, ValidationFailed

if TYPE_CHECKING:
    from graphql import DocumentNode

    from api.limits import Finding

MAX_TOKENS: Final = 2000
#: Comments cost tokens nothing but take time to skip.
MAX_COMMENTS: Final = 1000
MAX_VALIDATION_ERRORS: Final = 10


class _WrongValue(GraphQLError):
    """A literal of the wrong type, told apart from the other ways to be invalid."""


class _ValuesOfCorrectType(ValuesOfCorrectTypeRule):
    def report_error(self, error: GraphQLError) -> None:
        super().report_error(_WrongValue(error.message, error.nodes))


_RULES: Final = tuple(
    _ValuesOfCorrectType if rule is ValuesOfCorrectTypeRule else rule for rule in specified_rules
)


class Document:
    """A parsed document, and what is known of it by now."""

    __slots__ = ("ast", "errors", "findings", "fragments", "operations", "sizes", "tokens")

    def __init__(self, ast: DocumentNode) -> None:
        self.ast = ast
        self.tokens = ast.token_count or 0
        self.operations = [d for d in ast.definitions if isinstance(d, OperationDefinitionNode)]
        self.fragments = {
            d.name.value: d for d in ast.definitions if isinstance(d, FragmentDefinitionNode)
        }
        #: What the rules of the specification find wrong; None until they have been asked.
        self.errors: list[ApiError] | None = None
        #: The variables that give page sizes, by operation, and what api/limits.py found by
        #: operation, caller and those sizes.
        self.sizes: dict[str | None, tuple[str, ...]] = {}
        self.findings: dict[tuple[Any, ...], Finding] = {}

    def operation(self, name: str | None) -> OperationDefinitionNode:
        """The operation of that name, or the only one. Raises BadUserInput when there is none."""
        if name is None:
            if len(self.operations) == 1:
                return self.operations[0]
            several = "Say which operation to run, in `operationName`: the document has several."
            raise BadUserInput(several if self.operations else "The document has no operation.")
        for operation in self.operations:
            if operation.name and operation.name.value == name:
                return operation
        message = f"The document has no operation named '{name}'."
        raise BadUserInput(message)


class Documents:
    """The documents read lately, up to a number of tokens in all: a tree is kept for each."""

    def __init__(
        self, schema: GraphQLSchema, *, suggestions: bool, max_tokens: int = 100_000
    ) -> None:
        """`suggestions` adds "Did you mean …" to errors, which tells strangers the schema."""
        self.schema = schema
        self.suggestions = suggestions
        self._max_tokens = max_tokens
        self._tokens = 0
        self._kept: OrderedDict[str, Document] = OrderedDict()

    def __contains__(self, text: str) -> bool:
        """Is it still in mind?"""
        return text in self._kept

    def get(self, text: str) -> Document:
        """The document of this text. Raises ParseFailed or TooComplex."""
        document = self._kept.get(text)
        if document is None:
            document = read(text)
            self._keep(text, document)
        else:
            self._kept.move_to_end(text)
        return document

    def _keep(self, text: str, document: Document) -> None:
        self._kept[text] = document
        self._tokens += document.tokens
        while self._tokens > self._max_tokens:
            _, dropped = self._kept.popitem(last=False)
            self._tokens -= dropped.tokens

    def validate(self, document: Document) -> list[ApiError]:
        """What the rules of the specification find wrong with it."""
        if document.errors is None:
            found = validate(
                self.schema,
                document.ast,
                _RULES,
                max_errors=MAX_VALIDATION_ERRORS,
                hide_suggestions=not self.suggestions,
            )
            document.errors = [_typed(error) for error in found]
        return document.errors


def read(text: str) -> Document:
    """Parse a document. Raises ParseFailed, or TooComplex when it is too long."""
    try:
        return Document(
            parse(text, max_lexical_tokens=MAX_TOKENS, max_comments=MAX_COMMENTS),
        )
    except GraphQLError as error:
        kind = TooComplex if "Parsing aborted" in error.message else ParseFailed
        failure = kind(error.message)
        failure.locations = error.locations
        raise failure from None


def _typed(error: GraphQLError) -> ApiError:
    kind = BadUserInput if isinstance(error, _WrongValue) else ValidationFailed
    return kind(error.message, nodes=error.nodes)
