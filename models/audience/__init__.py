"""What is computed of readers' comments, without Flink.

analysis   what the models say of a comment
comments   a comment's text, and the record of what the models said of it
versions   which version of a comment holds
likeness   signatures by which near-identical comments are found
voices     a comment as it counts in a mood
mood       decayed means over voices, robust to floods
turns      whether and when the mood turned
queue      which comments a person should look at, within a budget
cases      what moderators decide, and what becomes of it
"""
