"""What a reference such as `{home}` or `{http.port}` stands for, once everything is resolved.

Here: `Scope`, the one look-up for reference text in a plan. A secret never becomes part of shown text by
accident: `text` refuses it, `value` keeps it a `Secret`.
"""

from __future__ import annotations

from entrypoint.errors import Problem, ProblemsError
from entrypoint.profile.references import TOTAL_LIMIT, TooLongError, fill, names
from entrypoint.values import Secret, reveal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from entrypoint.settings.model import Settings


class SecretInTextError(ProblemsError):
    """A reference to a secret in a place that is shown: the command line, a path, a target."""

    def __init__(self, setting: str, text: str) -> None:
        details = (
            ("value", text[:200]),
            ("expected", "no secret there: paths, ports and targets are shown"),
            ("fix", "write it into a file, or hand it over in `environment`"),
        )
        what = f'the profile would show the secret "{setting}"'
        super().__init__(Problem("profile-secret-shown", what, details))
        self.setting = setting


class Scope:
    """Fills reference text from fixed names and settings; a setting without a value is empty text.

    One that is assigned at the start reads `<nid>` until it is.

    `substitutes` stand in for values that hold a Java placeholder, where it could be resolved.
    """

    def __init__(
        self,
        fixed: Mapping[str, str],
        settings: Settings,
        substitutes: Mapping[str, str] | None = None,
    ) -> None:
        self.fixed = fixed
        self.settings = settings
        self.substitutes = substitutes or {}
        self._filled = 0

    def has(self, setting: str) -> bool:
        """Tell whether a setting has a value that is not empty."""
        found = self.settings.get(setting)
        if found is not None and found.pending:
            return True
        return found is not None and found.text not in {None, "", Secret("")}

    def pending(self, text: str) -> bool:
        """Tell whether reference text waits for a setting that is assigned at the start."""
        settings = (self.settings.get(name) for name in names(text))
        return any(setting is not None and setting.pending for setting in settings)

    def text(self, text: str) -> str:
        """Return the text with its references filled; raises SecretInTextError for a secret."""

        def lookup(name: str) -> str:
            value = self._value(name)
            if isinstance(value, Secret):
                raise SecretInTextError(name, text)
            return value

        return self._fill(text, lookup)

    def value(self, text: str) -> str | Secret:
        """Return the filled text; a `Secret` when any part of it is one."""
        filled = self._fill(text, lambda name: reveal(self._value(name)))
        hidden = any(isinstance(self._value(name), Secret) for name in names(text))
        return Secret(filled) if hidden else filled

    def _fill(self, text: str, lookup: Callable[[str], str]) -> str:
        """Fill a text, within bounds: a profile of 256 KiB could make gigabytes of one long value."""
        try:
            filled = fill(text, lookup)
            self._filled += len(filled) if "{" in text else 0
            if self._filled > TOTAL_LIMIT:
                raise TooLongError(f"at most {TOTAL_LIMIT >> 20} MiB in all texts of a profile")
        except TooLongError as error:
            details = (("value", text[:60]), ("expected", str(error)))
            what = "a text grows too long once its references are filled"
            raise ProblemsError(Problem("profile-too-large", what, details)) from None
        return filled

    def _value(self, name: str) -> str | Secret:
        if name in self.fixed:
            return self.fixed[name]
        if name in self.substitutes:
            return self.substitutes[name]
        found = self.settings.get(name)
        if found is not None and found.pending:
            return f"<{name}>"
        return found.text if found is not None and found.text is not None else ""
