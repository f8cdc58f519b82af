"""Reading source text of any language: grammars, doc comments, facts. Nothing is imported or executed."""
