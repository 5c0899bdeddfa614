"""What stands on top of a feed whatever the profile says: open alerts, then editors' picks."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from models.ranking.article import FeedArticle
from models.ranking.columns import Columns
from models.ranking.explanation import Reason, override, picked
from models.ranking.fresh import FreshArticles
from models.ranking.reader import Context, OpenAlert, Pick, Reader


class Top(NamedTuple):
    """An article that a rule puts on top."""

    row: int
    article: FeedArticle
    reason: Reason


def on_top(reader: Reader, context: Context, fresh: FreshArticles, columns: Columns) -> list[Top]:
    """Open alerts that concern the reader, then editors' picks; a story once."""
    found: list[tuple[FeedArticle, Reason]] = []
    for alert in alerts_for(context):
        leads = [a for name in alert.articles if (a := fresh.get(name)) is not None]
        chosen = _in_own_language(reader, context, [*leads, *fresh.of_story(alert.story_id)])
        if chosen is not None:
            found.append((replace(chosen, story_id=alert.story_id), override(alert)))
    for pick in _picks_for(context):
        of_pick = (
            [a for a in [fresh.get(pick.id)] if a is not None]
            if pick.kind == "article"
            else fresh.of_story(pick.id)
        )
        chosen = _in_own_language(reader, context, of_pick)
        if chosen is not None and chosen.article_id not in reader.hidden_articles:
            found.append((chosen, picked(pick)))
    kept: list[Top] = []
    articles: set[str] = set()
    stories: set[str | None] = set()
    for article, reason in found:
        if article.article_id in articles or article.story_id in stories - {None}:
            continue
        for row in columns.rows(fresh.keys([article.article_id])):
            kept.append(Top(row, article, reason))
        articles.add(article.article_id)
        stories.add(article.story_id)
    return kept


def alerts_for(context: Context) -> list[OpenAlert]:
    """Open alerts of the reader's languages and desks, one a story, the surest first."""
    desks = {desk.name for desk in context.desks}
    found: dict[str, OpenAlert] = {}
    for alert in sorted(context.alerts, key=lambda a: (-a.score, -a.at_ms, a.alert_id)):
        if alert.expires_ms > context.now_ms and alert.concerns(context.languages, desks):
            found.setdefault(alert.story_id, alert)
    return list(found.values())


def _picks_for(context: Context) -> list[Pick]:
    desks = {desk.name for desk in context.desks}
    return [
        pick
        for pick in context.picks
        if pick.until_ms > context.now_ms and (pick.desk is None or not desks or pick.desk in desks)
    ]


def _in_own_language(
    reader: Reader, context: Context, articles: Sequence[FeedArticle]
) -> FeedArticle | None:
    """The first article in the reader's best language, rather one that is not hidden."""
    ranks = {language: rank for rank, language in enumerate(context.languages)}
    readable = [article for article in articles if article.language in ranks]
    return min(
        readable,
        key=lambda a: (a.article_id in reader.hidden_articles, ranks[a.language]),
        default=None,
    )
