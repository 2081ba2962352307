"""Events in Docker's words: which attributes an event of which noun carries."""

from __future__ import annotations

from wherry.engine.events import Events
from wherry.engine.records import Record


class Publisher:
    def __init__(self, events: Events) -> None:
        self._events = events

    def container(self, record: Record, action: str, **attributes: str) -> None:
        """All labels, the name, the image, and what the action adds."""
        labels = record.config.labels if isinstance(record.config.labels, dict) else {}
        self._events.publish(
            "container", action, record.id, {**labels, "image": record.image, "name": record.name, **attributes}
        )

    def network(self, action: str, network_id: str, name: str, driver: str, container: str = "") -> None:
        extra = {"container": container} if container else {}
        self._events.publish("network", action, network_id, {**extra, "name": name, "type": driver})

    def image(self, action: str, image_id: str, name: str) -> None:
        self._events.publish("image", action, image_id, {"name": name})

    def volume(self, action: str, name: str, **attributes: str) -> None:
        self._events.publish("volume", action, name, attributes)
