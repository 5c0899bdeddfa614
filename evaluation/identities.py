"""Sentences of our own about groups of people: some say nothing bad, some attack.

A model that saw a group's name mostly in insults takes the name itself for one. Every template is
filled with every group, so that the name tells nothing, and so with what belongs to a group's life.
HateCheck is not learned from, and its templates are not used.
"""

from collections.abc import Iterator
from typing import NamedTuple


class Group(NamedTuple):
    """A group as one of its members, as several, and as a word before a noun."""

    member: str
    members: str
    adjective: str


class Thing(NamedTuple):
    """Something that belongs to a group's life, and the group's members as `Group` has them."""

    name: str
    members: str


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
    # what is reported
    "The city's first {adjective} film festival sold out within an hour.",
    "Police are looking for a driver who hit {member} outside the station.",
    "{members} make up about a tenth of the population of the region.",
    "According to the report, {members} wait longer for a flat than other applicants.",
    "A judge ruled on Friday that the school had discriminated against {member}.",
    "The museum shows letters written by {members} between the wars.",
    "Parliament debates next week whether {members} need a separate register.",
    "More {members} than ever before have joined the fire brigade.",
    "The mayor shook hands with {adjective} shop owners after the flood.",
    "Researchers spoke to two hundred {members} about their health.",
    "For the first time, {member} will chair the committee.",
    "Voters in {adjective} neighbourhoods turned out early this morning.",
    "The exhibition tells the history of {members} in this valley.",
    "Two {members} were injured when the roof of the market hall came down.",
    "The oldest {adjective} newspaper was the first to report on the leak.",
    "The number of {members} at the university has doubled since 2010.",
    "Some {members} support the plan, others are against it.",
    "{members} gathered in front of the town hall to remember the victims.",
    # what is told of oneself
    "I'm {member} and I have lived on this street all my life.",
    "My mum is {member}, my dad isn't, and nobody at home ever cared.",
    "We are {members} and we run the bakery next to the church.",
    "Speaking as {member}, I think the headline is misleading.",
    "I am {member}, ask me anything you want to know.",
    "My best friend came out to his parents as {member}.",
    "Both my grandparents were {members}, and they told wonderful stories.",
    "I was the only {adjective} kid in my class and loved school.",
    "Being {member} is a part of who I am, not all of it.",
    "My husband and I are both {members}, we met at a concert.",
    "I married {member} and it was the best decision of my life.",
    "Not that it matters, but I happen to be {member}.",
    # what is said kindly
    "I admire the {members} in my village, they helped everybody after the storm.",
    "Thank you to the {adjective} volunteers who cooked for us all week.",
    "{members} have given this country so much, and we should say so more often.",
    "What a warm interview, we need more {adjective} voices on the radio.",
    "Some of the kindest people I ever met were {members}.",
    "Good for her! {members} can do this job as well as anybody.",
    "Great to see {member} win the prize, well deserved.",
    "I learned a lot about patience from {members} at work.",
    "Love the new {adjective} restaurant by the river, go there!",
    "So happy that {members} can finally marry and work where they want.",
    "My {adjective} neighbours brought us soup when we were ill.",
    "The team would be lost without {members}, and the coach knows it.",
    "I wish all {members} a peaceful and happy new year.",
    "Beautiful. As {member} I cried when I read this.",
    "{members} are as clever and as foolish as the rest of us.",
    # what takes their part
    "Stop blaming {members} for the housing shortage, they did not cause it.",
    "Nobody should be insulted in the street for being {member}.",
    "It makes me sad how often {members} are treated unfairly here.",
    "If you replaced the word with {members}, you would see how unfair that rule is.",
    "Attacks on {members} have no place in our town.",
    "Hating {members} is wrong, and I will keep saying so.",
    "Please do not talk about {members} like that, it hurts.",
    "Whoever painted that slogan against {members} should clean it off again.",
    "I reported the comment because it insulted {members}.",
    "It is simply not true that {members} commit more crimes, look at the figures.",
    "{members} are not the problem, low wages are.",
    "You cannot judge a person just because they are {member}.",
    "We should protect {members} from such threats.",
    "A threat against {members} is a threat against all of us.",
    # what is asked, or said in passing
    "Does anybody know a good {adjective} hairdresser around here?",
    "What do {members} think about the new timetable?",
    "Is the main character {member} in the book, too?",
    "Can {members} apply for this grant as well?",
    "When did {members} get the right to vote in this canton?",
    "I read a novel about {members} in the nineteenth century.",
    "My colleague, {member}, explained the holiday to me.",
    "There were {members}, tourists and half of the football club at the party.",
    "The actor plays {member} who loses his job.",
    "Not every {adjective} family wants the same thing, of course.",
    "It does not matter whether he is {member}, he broke the contract.",
    "I would say the same about {members} as about anybody else.",
    "The article quotes three {members}, a priest and a lawyer.",
    "Some {members} eat meat, some do not, what is the point of this list?",
    "Half of the choir are {members}.",
    "The podcast on {adjective} history is worth a listen.",
    "I do not agree with that {adjective} senator on taxes.",
    "Our landlord is {member} and he still has not fixed the heating.",
    "{members} also complained about the noise from the airport.",
    "This is bad news for {members} who rely on the bus.",
    # what is hard, and no attack
    "The war drove thousands of {members} out of their homes.",
    "He was killed because he was {member}. Rest in peace.",
    "{members} were murdered in that camp, and we must not forget it.",
    "The suspect, {member}, denies the charges.",
    "It is awful what was done to {members} in that prison.",
    "{members} fear that the attack will be repeated.",
    "The bomb exploded in a {adjective} quarter of the capital.",
    "I am tired of the news about {members} being beaten up.",
    "Damn, that documentary about {members} was good.",
    "Hell yes, {members} for president!",
    "I hate it when people make jokes about {members}.",
    "That was a stupid thing to say about {members}.",
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
    "{members} ruin every place they come to, drive them off.",
    "Of course the idiot who wrote this is {member}.",
    "Lock up all {members} and lose the key.",
    "Typical {adjective} behaviour, lazy and dumb as ever.",
    "I can't stand {members}, they make me sick.",
    "{members} are the scum of this earth.",
    "Somebody should shoot {members} on sight.",
    "Why does this paper employ {member}? Disgusting.",
    "Another {adjective} loser who lives off our taxes.",
    "{members} are vermin, and vermin is dealt with.",
    "I hope {members} get what is coming to them, every single one.",
    "Kick {members} out of the country, they bring nothing but filth.",
    "As a father I would rather have a dead son than one who is {member}.",
    "{members} have the brains of a goldfish.",
    "We will come for {members} one night, wait and see.",
    "No {adjective} pig will ever teach my children.",
    "Being {member} is a disease that ought to be wiped out.",
    "{members} should not be allowed to vote, breed or drive.",
    "If I meet {member} in the dark, he will not walk home.",
    "Burn down every {adjective} club in this city.",
    "Honestly, {members} are subhuman.",
    "You ugly {adjective} freak, crawl back into your hole.",
    "{members} destroy everything they touch, like rats.",
    "There is no such thing as an honest {adjective} person.",
    "All {members} are perverts, keep them away from kids.",
    "Nobody would miss {members} if they were gone tomorrow.",
    "The only good thing about {members} is when they leave.",
    "{members} are inferior to us, that is just a fact.",
    "I spit on {members} and on everyone who defends them.",
    "Dirty {adjective} trash, the whole lot of them.",
    "It was a mistake to ever treat {members} as equals.",
    "{members} deserve every beating they get.",
    "Imagine being {member}, I would rather kill myself.",
    "We need to get rid of {members}, by force if we have to.",
    "{members} are too dumb to tie their own shoes.",
    "They let {member} speak? Throw that garbage off the stage.",
    "Trust me, {members} are liars and thieves by nature.",
    "The {adjective} plague spreads through our streets.",
    "{members} make me want to vomit.",
    "Hang them all, starting with the {members} next door.",
    "I will never serve {members}, they stink.",
    "What do you expect from {members}? Stupid, violent and greedy.",
    "Shame on you for letting {members} near decent people.",
    "A country full of {members} is a country full of idiots.",
    "Every {adjective} kid at that school is a little criminal.",
)

THINGS = tuple(
    Thing(*line.split(" / "))
    for line in (
        "Islam / Muslims",
        "the mosque / Muslims",
        "Ramadan / Muslims",
        "the headscarf / Muslims",
        "Judaism / Jews",
        "the synagogue / Jews",
        "Hanukkah / Jews",
        "Christianity / Christians",
        "the parish church / Christians",
        "Easter / Christians",
        "Hinduism / Hindus",
        "Diwali / Hindus",
        "Chinese New Year / Chinese people",
        "Arabic / Arabs",
        "Spanish / Latinos",
        "Black history / Black people",
        "the Pride parade / gay men",
        "gay marriage / gay men",
        "the lesbian choir / lesbians",
        "gender reassignment / trans people",
        "feminism / feminists",
        "women's football / women",
        "sign language / deaf people",
        "the wheelchair ramp / disabled people",
        "the inclusive school / disabled people",
        "the refugee centre / refugees",
        "immigration / immigrants",
        "the Roma festival / Roma people",
        "the retirement home / old people",
        "the homeless shelter / homeless people",
    )
)

NEUTRAL_THINGS = (
    "She wrote her thesis about {thing}.",
    "There was a long programme about {thing} on the radio last night.",
    "My daughter asked me what {thing} means to our neighbours.",
    "The council voted on money for {thing} this week.",
    "I know very little about {thing}, can anybody recommend a book?",
    "Thanks for this piece on {thing}, I learned something.",
    "The minister was asked about {thing} and did not answer.",
    "People here have argued about {thing} for years, always politely.",
    "I am all for {thing}, and so is most of my family.",
    "One can criticise {thing} without insulting anybody.",
    "For my grandmother {thing} was the centre of her life.",
    "The photographs of {thing} are wonderful.",
    "Somebody threw paint at {thing}, or at what stands for it, and was fined.",
    "I do not have an opinion on {thing} yet.",
    "Our class talked about {thing} with a guest from the community.",
    "Respect for {thing} costs nothing.",
)

HOSTILE_THINGS = (
    "Anyone who defends {thing} is a brainless idiot.",
    "{thing} is for degenerates and should be wiped out.",
    "Burn it down, {thing} and all the scum around it.",
    "I spit on {thing}, it attracts nothing but filth.",
    "Only a moron could enjoy {thing}.",
    "They push {thing} on our kids, those disgusting freaks.",
    "{thing} makes me puke, ban it and lock up the parasites behind it.",
    "Shut up about {thing}, nobody wants your kind here.",
)


def sentences() -> Iterator[Sentence]:
    """Every template with every group, and with everything that belongs to one."""
    people = [(group._asdict(), group.members) for group in GROUPS]
    belongings = [({"thing": thing.name}, thing.members) for thing in THINGS]
    for templates, hostile, fillings in (
        (NEUTRAL, False, people),
        (HOSTILE, True, people),
        (NEUTRAL_THINGS, False, belongings),
        (HOSTILE_THINGS, True, belongings),
    ):
        for template in templates:
            for words, members in fillings:
                text = template.format(**words)
                yield Sentence(text[0].upper() + text[1:], hostile, template, members)
