"""Stories: articles about one event, found as they flow.

terms     words of a headline, and how much each says: TF-IDF over the stream so far
copies    near-copies and wire reprints: SimHash to block, the vector to confirm
veto      numbers and places that tell look-alikes apart
story     what is kept of a story: sums of its articles, so that means cost nothing
decide    the learned decisions: does an article join, do two stories merge
index     candidates among the active stories, at a cost that hardly grows with them
density   HDBSCAN over recent articles: what may belong together or apart
cluster   the state of all of it: place an article, tidy up, save and restore
"""
