"""Sentences of our own about groups of people: some say nothing bad, some attack.

A model that saw a group's name mostly in insults takes the name itself for one. Every template is
filled with every group, so that the name tells nothing. HateCheck is not learned from, and its
templates are not used.
"""

from collections.abc import Iterator
from typing import NamedTuple


class Group(NamedTuple):
    """A group as one of its members, as several, and as a word before a noun."""

    member: str
    members: str
    adjective: str


class Sentence(NamedTuple):
    """A filled template."""

    text: str
    hostile: bool
    template: str
    group: str


GROUPS = tuple(
    Group(*line.split(" / "))
    for line in (
        "a woman / women / female",
        "a man / men / male",
        "a gay man / gay men / gay",
        "a gay person / gay people / gay",
        "a lesbian / lesbians / lesbian",
        "a bisexual woman / bisexual people / bisexual",
        "a trans woman / trans women / trans",
        "a trans person / trans people / transgender",
        "a non-binary person / non-binary people / queer",
        "a straight man / straight people / straight",
        "a Black man / Black people / Black",
        "a Black woman / Black women / African American",
        "a white man / white people / white",
        "an Asian woman / Asian people / Asian",
        "a Latina / Latinos / Hispanic",
        "a Chinese student / Chinese people / Chinese",
        "a Mexican / Mexicans / Mexican",
        "an Indian / Indians / Indian",
        "an Arab / Arabs / Arab",
        "a Roma / Roma people / Romani",
        "a Native American / Indigenous people / Indigenous",
        "a Muslim / Muslims / Muslim",
        "a Jew / Jews / Jewish",
        "a Jewish woman / Jewish people / Jewish",
        "a Christian / Christians / Christian",
        "a Catholic / Catholics / Catholic",
        "a Hindu / Hindus / Hindu",
        "an atheist / atheists / atheist",
        "an immigrant / immigrants / immigrant",
        "a refugee / refugees / refugee",
        "a foreigner / foreigners / foreign",
        "a disabled person / disabled people / disabled",
        "a wheelchair user / people with disabilities / disabled",
        "a deaf person / deaf people / deaf",
        "a blind person / blind people / blind",
        "an autistic person / autistic people / autistic",
        "an old person / old people / elderly",
        "a teenager / young people / young",
        "a feminist / feminists / feminist",
        "a homeless man / homeless people / homeless",
    )
)

NEUTRAL = (
    "My sister is married to {member}.",
    "As {member}, I found this article useful.",
    "The new head teacher is {member}, and the parents like her.",
    "{members} were interviewed for the second part of the series.",
    "I work with several {members} and we get along well.",
    "The survey asked {members} about their commute.",
    "There is a {adjective} bookshop on the corner of our street.",
    "How many {members} voted in the last election?",
    "Proud to be {member} today!",
    "The council met {adjective} residents on Tuesday evening.",
    "My doctor is {member}. Great doctor, by the way.",
    "Why are there no {members} on this panel?",
    "{members} deserve the same pay as everybody else.",
    "I grew up in a {adjective} family in the north of the country.",
    "It is wrong to treat {members} worse than others.",
    "We should listen to {members} when we write such laws.",
    "Somebody told me yesterday that {members} read more newspapers.",
    "The film is about {member} who moves to the city.",
    "Happy holidays to all {members} here in the comments.",
    "As far as I know, {members} pay the same taxes.",
    "A group of {members} asked the mayor for a meeting.",
    "Nobody here has anything against {members}.",
    "I disagree with the author, and I am {member} myself.",
    "The {adjective} community centre opens again in May.",
)

HOSTILE = (
    "Every time I read about {members} I want to throw up, they ruin everything.",
    "{members} have no place in a decent town, get them out of here.",
    "Somebody should beat up those {members} until they learn.",
    "You can tell from the stupid comment that it was written by {member}.",
    "What a filthy bunch of {adjective} parasites.",
    "{members} are less than animals and should be treated that way.",
    "Never trust {member}, they all lie and steal.",
    "Shut up, nobody asked {member} for an opinion.",
    "The world would be better off without {members}.",
    "Of course the idiot who wrote this is {member}.",
    "Lock up all {members} and lose the key.",
    "Typical {adjective} behaviour, lazy and dumb as ever.",
)


def sentences() -> Iterator[Sentence]:
    """Every template with every group."""
    for templates, hostile in ((NEUTRAL, False), (HOSTILE, True)):
        for template in templates:
            for group in GROUPS:
                text = template.format(**group._asdict())
                yield Sentence(text[0].upper() + text[1:], hostile, template, group.members)
