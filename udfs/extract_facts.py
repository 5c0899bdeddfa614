"""Records of articles.enriched to what profiles need of them."""

from collections.abc import Iterator

from pyflink.common import Row, Types
from pyflink.common.typeinfo import TypeInformation
from pyflink.datastream import ProcessFunction, RuntimeContext

from models.profiles import facts
from schemas.codec import RecordCodec
from schemas.registry import open_registry
from schemas.topics import ARTICLES_ENRICHED


def facts_type() -> TypeInformation:
    """(article id, packed ArticleFacts)."""
    return Types.ROW([Types.STRING(), Types.PRIMITIVE_ARRAY(Types.BYTE())])


class ExtractFacts(ProcessFunction):
    """In: Row(key, value, …) of articles.enriched. Out: `facts_type`. No key, no state, no timers.

    The topic is ours: a record that cannot be decoded stops the job.
    """

    def __init__(self, *, registry_url: str | None, registry_auth: str | None) -> None:
        self._registry = (registry_url, registry_auth)

    def open(self, runtime_context: RuntimeContext) -> None:
        self._articles = RecordCodec(ARTICLES_ENRICHED, open_registry(*self._registry))

    def process_element(self, value: Row, ctx: ProcessFunction.Context) -> Iterator[Row]:
        article = self._articles.decode(value[1])
        yield Row(article.article_id, facts.pack(facts.facts(article)))
