"""What Prometheus may ask."""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)


class Metrics:
    """Counters and gauges of one server, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._seconds = Histogram(
            "wiredesk_serve_request_seconds",
            "Time until an answer was complete.",
            ["method", "route"],
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self._answers = Counter(
            "wiredesk_serve_answers",
            "Answers by status.",
            ["method", "route", "status"],
            registry=self.registry,
        )
        self.deliveries = Counter(
            "wiredesk_serve_deliveries",
            "Webhooks and mail by outcome: delivered, retried, dead.",
            ["kind", "outcome"],
            registry=self.registry,
        )
        self.stale = Counter(
            "wiredesk_serve_stale_answers",
            "Answers given from memory because Redis was away.",
            registry=self.registry,
        )
        self.event_seconds = Histogram(
            "wiredesk_serve_event_seconds",
            "From Kafka's timestamp of an event to its publication here.",
            ["kind"],
            buckets=_BUCKETS,
            registry=self.registry,
        )

        self._gauges: dict[str, Gauge] = {}
        self._lag = Gauge(
            "wiredesk_serve_topic_lag",
            "Records that are there but were not read.",
            ["topic"],
            registry=self.registry,
        )

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """An answer is complete."""
        self._seconds.labels(method, route).observe(seconds)
        self._answers.labels(method, route, status).inc()

    def text(self, gauges: Mapping[str, float], lag: Mapping[str, int]) -> bytes:
        """All of it, in Prometheus' text format.

        gauges  what stands just now, by name
        lag     records by topic that are there but were not read
        """
        for name, value in gauges.items():
            if name not in self._gauges:
                full = f"wiredesk_serve_{name}"
                self._gauges[name] = Gauge(full, "Just now.", registry=self.registry)
            self._gauges[name].set(value)
        for topic, behind in lag.items():
            self._lag.labels(topic).set(behind)
        return generate_latest(self.registry)
