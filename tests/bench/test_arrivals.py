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


def test_nothing_arrives_before_it_is_published():
    late = [a.arrived_ms - a.published_ms for a in arrivals(QUIET, start_ms=0, hours=50, seed=3)]
    assert min(late) == 0
    assert 0 < max(late) <= QUIET.latest_h * HOUR_MS
