"""The form of the policy editor: the text of a document, in the line endings that the document has."""

import re
from typing import Any

from django import forms

from portal.forms.base import RevisionForm

_LINE_END = re.compile(r"\r\n|\r|\n")


class PolicyForm(RevisionForm):
    """A document's text and the revision that it was opened at, 0 for a scope that had no document."""

    xml = forms.CharField(
        label="Policy document",
        strip=False,
        error_messages={
            "required": "Enter a policy document. To have no policy at this scope, delete it instead.",
            "null_characters_not_allowed": "The document holds a null character (U+0000). XML has none: delete it.",
        },
        widget=forms.Textarea(
            {
                "class": "code",
                "rows": 22,
                "wrap": "off",
                "spellcheck": "false",
                "autocapitalize": "off",
                "autocomplete": "off",
            }
        ),
    )

    def __init__(self, *args: Any, saved: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._saved = saved

    def clean_xml(self) -> str:
        """The text with the line endings of what is saved: a browser sends CRLF, whatever it was given."""
        return with_line_ends_of(self._saved, self.cleaned_data["xml"])


def with_line_ends_of(saved: str, text: str) -> str:
    """`text` with the line endings of `saved`; `saved` itself where that is the only difference."""
    if _LINE_END.sub("\n", text) == _LINE_END.sub("\n", saved):
        return saved
    ends = _LINE_END.findall(saved)
    return _LINE_END.sub(max(ends, key=ends.count) if ends else "\n", text)
