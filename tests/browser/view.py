"""What a browser knows of a page, without the browser: Streamlit's own protocol, message by message.

It sends and receives nothing itself: whoever uses it has a web socket to the server's `address`.
"""

from __future__ import annotations

from typing import Any

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState


def address(url: str) -> str:
    """Return where the server at a URL listens for web sockets."""
    return url.replace("http", "ws", 1) + "/_stcore/stream"


class View:
    """A page as one session sees it.

    Args:
        page: The page's path.
        query: The query in its address.
    """

    def __init__(self, page: str, query: str) -> None:
        self._name = page
        self._query = query
        self._page = ""
        self._set: dict[str, WidgetState] = {}
        self._widgets: dict[str, str] = {}
        self.pages = 1
        """How many pages its table has."""
        self.alerts: list[str] = []
        """The boxes that the last drawing shows."""
        self.faults: list[str] = []
        """The exceptions that it shows."""

    def question(self) -> bytes:
        """Return the message that asks for the page, with its widgets as they are set."""
        self.alerts, self.faults = [], []
        message = BackMsg()
        state = message.rerun_script
        state.query_string, state.page_script_hash = self._query, self._page
        if not self._page:
            state.page_name = self._name
        state.widget_states.widgets.extend(self._set.values())
        return message.SerializeToString()

    def take(self, data: bytes) -> bool:
        """Take note of a message of the server; tell whether it is the last of a drawing."""
        message = ForwardMsg.FromString(data)
        match message.WhichOneof("type"):
            case "navigation":
                self._page = message.navigation.page_script_hash
            case "delta":
                self._learn(message.delta.new_element)
            case "script_finished":
                # the other way to finish is that another drawing follows at once
                return bool(
                    message.script_finished != ForwardMsg.ScriptFinishedStatus.FINISHED_EARLY_FOR_RERUN
                )
        return False

    def set(self, key: str, **value: Any) -> None:
        """Set a widget, named by its key, as the protocol names the value's type."""
        identity = self._widgets[key]
        self._set[identity] = WidgetState(id=identity, **value)

    def _learn(self, element: Any) -> None:
        kind = element.WhichOneof("type")
        if kind is None:
            return
        drawn = getattr(element, kind)
        if identity := getattr(drawn, "id", ""):
            self._widgets[identity.rsplit("-", 1)[-1]] = identity
        match kind:
            case "pagination":
                self.pages = drawn.num_pages
            case "alert":
                self.alerts.append(drawn.body)
            case "exception":
                self.faults.append(f"{drawn.type}: {drawn.message}")
