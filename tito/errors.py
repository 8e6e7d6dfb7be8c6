"""The one kind of error the engine raises for something the user can mend."""


class TitoError(Exception):
    """Something is not as it should be: what and where (message), and what to do (hint).

    `kind` is a short stable word for programs ("unknown-step", "newer-workspace", ...).
    """

    def __init__(self, kind: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.hint = hint

    def as_json(self) -> dict[str, str]:
        """The error object of the JSON interfaces."""
        return {"kind": self.kind, "message": self.message, "hint": self.hint}
