"""Markdown's block rules, of which a line meets only those that its first sign allows.

markdown-it tries every rule on every line, and on those of a paragraph several times.
Most rules ask for a sign, and most lines begin with a letter. What a rule would refuse
after a look at that sign, it is not asked here; so the tokens are the same.
"""

from collections.abc import Mapping, Sequence

from markdown_it import MarkdownIt
from markdown_it.parser_block import RuleFuncBlockType
from markdown_it.ruler import Rule, Ruler
from markdown_it.rules_block import StateBlock

_SIGNS: Mapping[str, str] = {
    "fence": "`~",
    "directive": ":",
    "blockquote": ">",
    "hr": "*-_",
    "list": "*+-0123456789",
    "reference": "[",
    "html_block": "<",
    "heading": "#",
}
"""What a line begins with, after its spaces, that a rule matches; other rules match any line."""


def choose_by_sign(md: MarkdownIt) -> None:
    """Let a parser choose its rules by a line's first sign. It takes no new rules afterwards."""
    md.block.ruler = _LineRules(md.block.ruler.__rules__)


class _LineRules(Ruler[RuleFuncBlockType]):
    def __init__(self, rules: Sequence[Rule[RuleFuncBlockType]]) -> None:
        super().__init__()
        self.__rules__ = list(rules)
        self._chains: dict[str, list[RuleFuncBlockType]] = {}

    def getRules(self, chainName: str = "") -> list[RuleFuncBlockType]:  # noqa: N802, N803 - markdown-it's names
        """The rules of a chain, as one that tries those which the line's first sign allows."""
        if chainName not in self._chains:
            rules = [
                rule
                for rule in self.__rules__
                if rule.enabled and (not chainName or chainName in rule.alt)
            ]
            self._chains[chainName] = [_choosing(rules)]
        return self._chains[chainName]


def _choosing(rules: Sequence[Rule[RuleFuncBlockType]]) -> RuleFuncBlockType:
    """A rule that tries those of `rules`, in their order, that a line can match."""
    for_any = [rule.fn for rule in rules if rule.name not in _SIGNS]
    by_sign = {
        sign: [rule.fn for rule in rules if sign in _SIGNS.get(rule.name, sign)]
        for sign in set("".join(_SIGNS.values()))
    }

    def choose(state: StateBlock, start: int, end: int, silent: bool) -> bool:
        at = state.bMarks[start] + state.tShift[start]
        fitting = by_sign.get(state.src[at : at + 1], for_any)
        for rule in fitting:  # noqa: SIM110 - called for every line: a generator costs more
            if rule(state, start, end, silent):
                return True
        return False

    return choose
