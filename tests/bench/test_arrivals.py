from bench.arrivals import HOUR_MS, Assumptions, arrivals

QUIET = Assumptions(stories_an_hour=10, sources=50)


def test_same_seed_gives_the_same_news():
    one, other = (list(arrivals(QUIET, start_ms=0, hours=5, seed=3)) for _ in range(2))
    assert one == other


def test_a_few_stories_grow_large_and_most_do_not():
    sizes: dict[int, int] = {}
    for arrival in arrivals(QUIET, start_ms=0, hours=100, seed=3):
        sizes[arrival.story] = sizes.get(arrival.story, 0) + 1
    ranked = sorted(sizes.values())
    assert ranked[len(ranked) // 2] < 10 < 50 < ranked[-1]


def test_events_bring_many_sources_within_the_hour():
    calm, eventful = (
        Assumptions(stories_an_hour=10, sources=500, branching=(1.0, 9.0), events=share)
        for share in (0.0, 1.0)
    )
    early = []
    for assumed in (calm, eventful):
        news = list(arrivals(assumed, start_ms=0, hours=20, seed=3))
        stories = len({a.story for a in news})
        first = {a.story: a.published_ms for a in sorted(news, key=lambda a: -a.published_ms)}
        soon = sum(a.published_ms - first[a.story] < HOUR_MS for a in news)
        early.append(soon / stories)
    assert early[1] > 3 * early[0]


def test_nothing_arrives_before_it_is_published():
    late = [a.arrived_ms - a.published_ms for a in arrivals(QUIET, start_ms=0, hours=50, seed=3)]
    assert min(late) == 0
    assert 0 < max(late) <= QUIET.latest_h * HOUR_MS
