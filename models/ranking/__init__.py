"""The personal feed: what now, for this reader?

article      an article as ranking sees it
reader       what is known of a reader, and of the moment
nearest      vectors found by FAISS, swapped whole when rebuilt
fresh        the articles a feed may show, found by vector, story, entity and popularity
features     numbers of a reader and an article that are known when the feed is served
rankers      linear or trees behind one interface, kept as JSON
fit          both from logged choices, by LightGBM and scikit-learn
rerank       variety, caps, calibrated mix, exploration with known propensities
shelf        what readers of all profiles have in common: what is popular, what all should know
on_top       open alerts and editors' picks, whatever the profile says
explanation  why an item stands where it stands, in words and numbers
feed         all of it: Feed.rank
next_click   what a session reads next, by counts alone
off_policy   what another ranking would have earned, from logged propensities
"""
