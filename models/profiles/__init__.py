"""What is known of a reader, from what they do: pure functions over one profile at a time.

facts     what a profile needs of an article, in few bytes
signals   how strongly an event speaks for an article, and which events cannot be used
decay     half-lives, and means that forget
profile   a profile in memory, and as the record that is sealed
update    one event more: Profile in, Profile and what became of the event out
passage   an event on its way to its reader, with what is known of its article
fold      the events of a reader in their order, erasures among them
view      a profile as the feed reads it: means, affinities in -1..1, effective size
"""
