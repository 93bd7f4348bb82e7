"""The 'exists-action' attribute: what is done about a header or a parameter that is there already."""

from typing import Final

ACTIONS: Final = ("override", "skip", "append", "delete")


def amount_problem(action: str | None, count: int) -> str | None:
    """What is wrong with so many values for an action; None is an action that is not known yet."""
    if action == "delete" and count:
        return "With exists-action=\"delete\" there must be no 'value' element: remove it, or the attribute."
    if action in ACTIONS and action != "delete" and not count:
        return "At least one 'value' element is needed, except with exists-action=\"delete\"."
    return None
