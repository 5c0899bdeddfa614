"""Stories: articles about one event, found as they flow.

terms     words of a headline, and how much each says: TF-IDF over the stream so far
copies    near-copies and wire reprints: SimHash to block, the vector to confirm
veto      numbers and places that tell look-alikes apart
story     what is kept of a story: sums of its articles, so that means cost nothing
decide    the learned decisions: does an article join, do two stories merge
cells     rows of vectors by their signs, in cells around pivots
index     candidates among the active stories, at a cost that hardly grows with them
density   HDBSCAN over recent articles: what may belong together or apart
cluster   the state of all of it: place an article, tidy up, save and restore
received  what stories need of an enriched article
telling   what is told of a story: who carries it, whom it is about, what to read first
neighbourhood  the stories of a language with what is told of each
partition which slot of the job holds a language
"""
