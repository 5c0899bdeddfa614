from xml.etree import ElementTree

from bench import stories


def test_curve_tells_cost_and_memory_of_each_size():
    costs = stories.curve([20, 60])
    assert [cost.stories >= size for cost, size in zip(costs, (20, 60), strict=True)] == [True] * 2
    assert all(0 < cost.p50_ms <= cost.p95_ms for cost in costs)
    assert all(cost.busy_ms > 0 and cost.memory_mib > 0 for cost in costs)


def test_picture_is_svg_with_a_bar_for_each_size():
    costs = [stories.Cost(1000, 0.5, 0.5, 0.9, 200), stories.Cost(100_000, 0.7, 0.7, 1.1, 900)]
    root = ElementTree.fromstring(stories.picture(costs))
    words = " ".join(root.itertext())
    assert "100,000" in words
    assert "0.70 ms" in words
    assert len(root.findall("{http://www.w3.org/2000/svg}rect")) == 1 + len(costs)
