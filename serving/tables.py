"""The tables of the history; `migrations/` makes them."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

alerts = Table(
    "alerts",
    metadata,
    Column("alert_id", String(200), primary_key=True),
    Column("sequence", Integer, primary_key=True),
    Column("desk", String(200), nullable=False),
    Column("story_id", String(200), nullable=False),
    Column("state", String(20), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("raised_ms", BigInteger, nullable=False),
    Column("score", Float, nullable=False),
    Column("low", Float, nullable=False),
    Column("high", Float, nullable=False),
    Column("threshold", Float, nullable=False),
    Column("title", Text, nullable=False),
    Column("by", String(200)),
    Column("note", Text),
    Column("record", JSON, nullable=False),
    Index(None, "raised_ms"),
    Index(None, "story_id"),
)
"""One row a state of an alert."""

stories = Table(
    "stories",
    metadata,
    Column("story_id", String(200), primary_key=True),
    Column("status", String(20), nullable=False),
    Column("title", Text, nullable=False),
    Column("first_seen_ms", BigInteger, nullable=False),
    Column("last_seen_ms", BigInteger, nullable=False),
    Column("articles", Integer, nullable=False),
    Column("independent_sources", Integer, nullable=False),
    Column("updated_ms", BigInteger, nullable=False),
    Column("record", JSON, nullable=False),
    Index(None, "last_seen_ms"),
)
"""Stories as they stood last."""

decisions = Table(
    "decisions",
    metadata,
    Column("command_id", String(200), primary_key=True),
    Column("kind", String(40), nullable=False),
    Column("author", String(200), nullable=False),
    Column("issued_ms", BigInteger, nullable=False),
    Column("desk", String(200)),
    Column("alert_id", String(200)),
    Column("story_id", String(200)),
    Column("article_id", String(200)),
    Column("comment_id", String(200)),
    Column("undone_by", String(200)),
    Column("record", JSON, nullable=False),
    Index(None, "issued_ms"),
)
"""What editors told the jobs."""

answers = Table(
    "answers",
    metadata,
    Column("command_id", String(200), primary_key=True),
    Column("job", String(40), primary_key=True),
    Column("subject", String(400), primary_key=True),
    Column("outcome", String(20), primary_key=True),
    Column("desk", String(200)),
    Column("applied_ms", BigInteger, nullable=False),
    Column("detail", Text, nullable=False),
)
"""What became of it: `editorial.audit`."""

labels = Table(
    "labels",
    metadata,
    Column("command_id", String(200), primary_key=True),
    Column("field", String(60), primary_key=True),
    Column("article_id", String(200), nullable=False),
    Column("value", JSON, nullable=False),
    Column("before", JSON),
    Column("text", Text),
    Column("language", String(3)),
    Column("author", String(200), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("undone", Boolean, nullable=False, default=False),
    Index(None, "article_id"),
)
"""Corrections as labels for training: what an editor says, and what the model had said."""

actions = Table(
    "actions",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("who", String(200), nullable=False),
    Column("role", String(20), nullable=False),
    Column("via", String(20), nullable=False),
    Column("action", String(60), nullable=False),
    Column("subject", String(400), nullable=False),
    Column("outcome", String(20), nullable=False),
    Column("detail", Text, nullable=False),
    Column("request_id", String(64), nullable=False),
    Column("address", String(64), nullable=False),
    Index(None, "at_ms"),
)
"""The server's own audit: who asked for what, also what was refused."""

subscriptions = Table(
    "subscriptions",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("target", Text, nullable=False),
    Column("secret", String(100)),
    Column("wish", JSON, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("created_by", String(200), nullable=False),
    Column("ended_ms", BigInteger),
)
"""Webhooks and mail: who is told of alerts."""

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("subscription_id", ForeignKey("subscriptions.id"), nullable=False),
    Column("alert_id", String(200), nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("state", String(20), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_ms", BigInteger, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("ended_ms", BigInteger),
    Column("error", Text),
    UniqueConstraint("subscription_id", "alert_id", "sequence"),
    Index(None, "state", "next_ms"),
)
"""One row a subscription and state of an alert: waiting, delivered or dead."""

keys = Table(
    "keys",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("role", String(20), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("rate_per_minute", Integer),
    Column("created_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger),
    Column("revoked_ms", BigInteger),
)
"""API keys; of the secret only its digest."""

login_links = Table(
    "login_links",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("role", String(20), nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Column("used_ms", BigInteger),
)
"""Links that log in once."""

sessions = Table(
    "sessions",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("role", String(20), nullable=False),
    Column("csrf", String(64), nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
)
"""Logins to the console; of the cookie only its digest."""
