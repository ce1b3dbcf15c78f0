"""Receivers of sinks, over real HTTP on loopback: a webhook that checks what it gets, and a bulk API as strict as one.

No search server can be installed here: `BulkApi` takes what OpenSearch's and Elasticsearch's documentation of the bulk
API demands and refuses the rest as they do.
"""

from __future__ import annotations

import json
import re
import threading
from datetime import datetime
from typing import Any

from aiohttp import web

CLOUD_EVENT = {"specversion", "id", "source", "type"}  # the attributes that CloudEvents 1.0 requires


class Hook:
    """A webhook. `answers`: what to do with the next requests instead of taking them, in order."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[web.Response] = []
        self.refuses: set[str] = set()  # uris of items for which a request is answered with 422
        self.away = False
        self.lock = threading.Lock()

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        with self.lock:
            self.requests.append(({k.lower(): v for k, v in request.headers.items()}, body))
            if self.away:
                return web.Response(status=503)
            if self.answers:
                return self.answers.pop(0)
            kind = request.content_type
            if kind not in ("application/cloudevents+json", "application/cloudevents-batch+json"):
                return web.Response(status=415)
            found = json.loads(body)
            events = found if kind.endswith("batch+json") else [found]
            if not all(event.keys() >= CLOUD_EVENT and all(map(_is_attribute, event)) for event in events):
                return web.Response(status=400)
            if self.refuses & {event["data"]["uri"] for event in events}:
                return web.Response(status=422, text="one of them is not to my taste")
            self.events += events
        return web.Response(status=204)

    def uris(self) -> list[str]:
        """Of every event that was taken, sorted; what came twice stands twice."""
        with self.lock:
            return sorted(event["data"]["uri"] for event in self.events)


def _is_attribute(name: str) -> bool:
    return re.fullmatch(r"[a-z0-9]{1,20}", name) is not None


ACTION = {"_index", "_id", "version", "version_type"}


class BulkApi:
    """`POST /_index_template/NAME` and `POST /_bulk`, with external versions and a strict mapping."""

    def __init__(self) -> None:
        self.templates: dict[str, Any] = {}
        self.documents: dict[tuple[str, str], tuple[int, dict[str, Any]]] = {}  # by index and id: version, document
        self.writes = 0  # documents that were written or overwritten
        self.busy: list[int] = []  # of the next requests: how many items at the end are answered with 429
        self.away = False
        self.lock = threading.Lock()

    async def template(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        if self.away:
            return web.Response(status=503)
        allowed = {"index_patterns", "template", "priority", "_meta", "composed_of", "version"}
        if request.content_type != "application/json" or not body.keys() <= allowed or "index_patterns" not in body:
            return web.json_response({"error": {"type": "illegal_argument_exception"}, "status": 400}, status=400)
        with self.lock:
            self.templates[request.path.rpartition("/")[2]] = body
        return web.json_response({"acknowledged": True})

    async def bulk(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        if self.away:
            return web.Response(status=503)
        if request.content_type != "application/x-ndjson":
            return web.json_response({"error": "Content-Type header is not supported", "status": 406}, status=406)
        if not body.endswith(b"\n") or b"\n\n" in body:
            error = {"type": "illegal_argument_exception", "reason": "The bulk request must be terminated by a newline"}
            return web.json_response({"error": error, "status": 400}, status=400)
        lines = [json.loads(line) for line in body.splitlines()]
        with self.lock:
            pairs = list(zip(lines[::2], lines[1::2], strict=True))
            busy = self.busy.pop(0) if self.busy else 0
            results = [
                self._too_busy(action) if n >= len(pairs) - busy else self._index(action, document)
                for n, (action, document) in enumerate(pairs)
            ]
        errors = any("error" in result["index"] for result in results)
        return web.json_response({"took": 1, "errors": errors, "items": results})

    def _too_busy(self, action: dict[str, Any]) -> dict[str, Any]:
        error = {"type": "es_rejected_execution_exception", "reason": "rejected execution of coordinating operation"}
        return {"index": {"_id": action["index"]["_id"], "status": 429, "error": error}}

    def _index(self, action: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
        (meta,) = action.values()
        assert list(action) == ["index"]
        assert meta.keys() == ACTION
        assert meta["version_type"] == "external"
        assert len(meta["_id"].encode()) <= 512
        place = meta["_index"], meta["_id"]
        known, _ = self.documents.get(place, (0, {}))
        if meta["version"] <= known:
            reason = f"[{meta['_id']}]: version conflict, current version [{known}] is higher or equal"
            return _failed(meta, 409, {"type": "version_conflict_engine_exception", "reason": reason})
        fault = self._fault(meta["_index"], document)
        if fault:
            cause = {"type": "illegal_argument_exception", "reason": fault}
            parsing = {"type": "mapper_parsing_exception", "reason": "failed to parse", "caused_by": cause}
            return _failed(meta, 400, parsing)
        self.documents[place] = meta["version"], document
        self.writes += 1
        return {"index": {"_id": meta["_id"], "_version": meta["version"], "status": 200 if known else 201}}

    def _fault(self, index: str, document: dict[str, Any]) -> str:
        """What the mapping of the index's template says against a document."""
        template = next(t for t in self.templates.values() if index in t["index_patterns"])
        properties = template["template"]["mappings"]["properties"]
        for name, value in document.items():
            if name not in properties:
                return f"mapping set to strict, dynamic introduction of [{name}] is not allowed"
            inner = properties[name].get("properties")
            if inner is not None and not (isinstance(value, dict) and value.keys() <= inner.keys()):
                return f"object mapping for [{name}] tried to parse as object, but found something else"
            if properties[name].get("type") == "keyword":
                texts = value if isinstance(value, list) else [value]
                if any(len(text.encode()) > 32766 for text in texts if "ignore_above" not in properties[name]):
                    return f'Document contains at least one immense term in field="{name}"'
            if properties[name].get("type") == "date":
                datetime.fromisoformat(value)
        return ""

    def uris(self) -> list[str]:
        """Of every document, sorted."""
        with self.lock:
            return sorted(document["uri"] for _, document in self.documents.values())


def _failed(meta: dict[str, Any], status: int, error: dict[str, Any]) -> dict[str, Any]:
    return {"index": {"_id": meta["_id"], "status": status, "error": error}}
