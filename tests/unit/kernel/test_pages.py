"""Compiled templates that a start finds again."""

from __future__ import annotations

from pathlib import Path

import jinja2

from bot.kernel.pages import CompiledTemplates


def test_a_changed_template_and_one_that_was_compiled_by_other_rules_take_the_place_of_what_was_kept(tmp_path: Path):
    def said(source: str, rules: str) -> str:
        loader = jinja2.DictLoader({"page": source})
        compiled = CompiledTemplates(tmp_path, rules)
        return (
            jinja2.Environment(loader=loader, autoescape=rules == "careful", bytecode_cache=compiled)
            .get_template("page")
            .render(name="<b>")
        )

    assert said("I am {{ name }}", "careless") == "I am <b>"
    assert said("I am {{ name }}", "careful") == "I am &lt;b&gt;"
    assert said("You are {{ name }}", "careful") == "You are &lt;b&gt;"
    assert len(list(tmp_path.iterdir())) == 1
