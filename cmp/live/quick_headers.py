"""Header fields that are looked up quickly: an exchange asks some twenty times whether a field is there.

May go in here: looking up, with mitmproxy's answers. May not: changing fields, what is looked for.

mitmproxy goes through all fields each time, name after name, and raises an error inside where there is none.
"""

from typing import Any

from mitmproxy import http

Fields = tuple[tuple[bytes, bytes], ...]


class QuickHeaders(http.Headers):
    """mitmproxy's, with the values by name read off once for as long as the fields stay the same."""

    _of: Fields | None = None
    _values: dict[bytes, list[str]]

    def get_all(self, name: str | bytes) -> list[str]:
        return list(self._found(name))

    def get(self, key: str | bytes, default: Any = None) -> Any:
        values = self._found(key)
        return self._reduce_values(values) if values else default

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str | bytes) and bool(self._found(key))

    def _found(self, name: str | bytes) -> list[str]:
        fields = self.fields
        if type(fields) is not tuple:
            # It could change in place.
            return super().get_all(name)
        if self._of is not fields:
            values: dict[bytes, list[str]] = {}
            for key, value in fields:
                values.setdefault(key.lower(), []).append(value.decode("utf-8", "surrogateescape"))
            self._of, self._values = fields, values
        key = name if isinstance(name, bytes) else name.encode("utf-8", "surrogateescape")
        return self._values.get(key.lower(), _NONE)


_NONE: list[str] = []


def look_up_quickly(message: http.Message) -> None:
    """Make a message's header one of ours. What it holds stays as it is."""
    if type(message.headers) is http.Headers:
        message.headers.__class__ = QuickHeaders
