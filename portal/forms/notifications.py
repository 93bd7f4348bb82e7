"""The form of Notifications: who is told of certificates that expire, and how many days before."""

import re
from typing import Any

from django import forms

from portal.forms.base import RevisionForm

_MOST_DIGITS = 6


class NotificationsForm(RevisionForm):
    """Its fields hold text, so that what is saved and what was entered can be compared."""

    recipients = forms.CharField(
        label="Recipients",
        required=False,
        max_length=30_000,
        help_text="E-mail addresses, one a line. Each gets a message of its own.",
        widget=forms.Textarea({"rows": 4, "autocomplete": "off", "spellcheck": "false"}),
    )
    thresholds = forms.CharField(
        label="Days before the expiry",
        max_length=500,
        error_messages={"required": "Enter at least one number of days; 0 is the day of the expiry."},
        help_text="With commas between them. A certificate is told of once for each; 0 is the day of the expiry.",
        widget=forms.TextInput({"autocomplete": "off"}),
    )

    def clean_recipients(self) -> str:
        """One a line, however they were separated."""
        return "\n".join(re.split(r"[\s,;]+", self.cleaned_data["recipients"].strip()))

    def clean_thresholds(self) -> str:
        """Whole numbers with commas between them."""
        words = [word for word in re.split(r"[\s,;]+", self.cleaned_data["thresholds"]) if word]
        for word in words:
            if not re.fullmatch(rf"[0-9]{{1,{_MOST_DIGITS}}}", word):
                raise forms.ValidationError(f"“{word}” is not a whole number of days.")
        return thresholds_in_words(int(word) for word in words)

    def values(self) -> dict[str, Any]:
        """As gateway.changes.notifications takes them."""
        thresholds = [int(word) for word in self.cleaned_data["thresholds"].split(", ") if word]
        return {"recipients": self.cleaned_data["recipients"].split("\n"), "thresholds": thresholds}


def thresholds_in_words(days: Any) -> str:
    """The days as the field shows them."""
    return ", ".join(str(each) for each in sorted(set(days), reverse=True))
