"""The rules that `run.py` breaks are where its table has them."""

from __future__ import annotations

import pytest
from tests.mutants.run import ROOT, RULES, Rule


@pytest.mark.parametrize("rule", RULES, ids=[rule.name for rule in RULES])
def test_a_rule_is_where_the_table_has_it(rule: Rule):
    """The line that keeps the rule is in the file once: otherwise nothing would be broken."""
    text = (ROOT / "src" / "aiowatchtower" / rule.file).read_text(encoding="utf-8")
    assert text.count(rule.kept) == 1
