"""Breaking news: from pick-ups of a story by sources to a calibrated score and alerts.

A source is whoever takes a story up: a publisher that carries it, or a reader who opens it.

outcome      what breaking news is: K distinct sources within H hours of the first
pickups      state of a story: when each distinct source took it up
traffic      state of the stream: how busy the last minutes and hours were
rhythm       state of the stream: what an hour of the week usually brings
evidence     what the states show at a moment, in counts
features     evidence relative to the outcome and the stream, so that scale does not matter
surprise     observed against expected: a negative-binomial tail
forest       a gradient-boosted score as plain arrays
calibration  from a score to a probability with its interval (Venn-Abers)
scorer       forest and calibrator as one; what the job loads
budget       the threshold that keeps a desk's alerts a day
alerting     state of an alert: opened, escalated, closed
baselines    the simple rules that the score has to beat
fit          forest and calibrator from replayed stories
verdicts     what editors said of alerts, and the scorer that it teaches
recalibration  a bounded shift of the probability; champion and challenger
desks        who is alerted to what: a TOML file
stream       state of a desk's stream: traffic, rhythm, shares of stories, usual entities
entities     state of an entity: how often it is usually named
watched      state of a story at a desk
desk         a desk at work: news, windows and commands in; scores, alerts and answers out
outs         what a desk is told besides news, and what it says
watching     its stories: scored as sources take them up, and each one's alert
orders       what editors ordered and still holds
steering     editors' commands: done, refused, taken back
lessons      what verdicts have taught it
composing    an alert as it is told, with its evidence
authority    how often a source is followed
graph        which entities are in the middle of the news
surroundings  what stands around a story when an alert is told
haste        how much less certain an early warning may be
commands     which editors' commands there are, what each must say, who hears it
told         what is told of a story: its content joined with scores, bursts and pins
rank         where a story stands in a desk's list
watch        whether the score can still be trusted: a CUSUM on calibration
"""
