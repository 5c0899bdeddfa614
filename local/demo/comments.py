"""The demo's comments: what made-up readers write under its articles.

Nothing here reads a clock: times are milliseconds into the timeline of `corpus`, and the caller
adds the moment at which it starts. Under the breaking story readers are afraid and angry at first
and relieved from CALM_MS on; a campaign of one text by many accounts, and one of many texts by one
account, fall into the calm and must not move it.

>>> made = planned(0)
>>> made == planned(0), 150 <= len(made) <= 300
(True, True)
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from random import Random

from local.demo.corpus import BREAKING, DemoArticle, articles

MINUTE_MS = 60_000
CALM_MS = 19 * MINUTE_MS
"""When the leak is sealed and people may go home: `marenholm-skargard-2`."""

END_MS = 29 * MINUTE_MS
CAMPAIGN_MS = 24 * MINUTE_MS

AFRAID = (
    "I can see the smoke from my window and I am terrified for the people in there.",
    "This is horrible. My cousin works nights at that terminal and nobody answers the phone.",
    "How can this happen again? They knew about the dust and did nothing, I am furious.",
    "My heart breaks for the families waiting in that sports hall.",
    "Two dead now. This is a nightmare, I cannot stop crying.",
    "Everyone is afraid here, the sirens have not stopped for an hour.",
    "Shame on the company. People died because they wanted to save on filters.",
    "I felt the blast in my kitchen, the children are scared and so am I.",
    "Nobody tells us anything about the ammonia. Are we being poisoned?",
    "Awful, just awful. Those poor workers.",
    "I worked there for ten years and warned them about that silo. Disgusting.",
    "We had to leave everything behind, it was chaos and panic on the stairs.",
    "The worst day this town has ever had.",
    "I am so angry that the police cannot even count the dead correctly.",
    "Still no word from my brother. Please, please let him be alive.",
    "What a terrible tragedy, and it could have been prevented.",
    "They should all go to prison for this, it is a disgrace.",
    "I have never been so frightened in my life.",
    "So sad. Thinking of everyone who lost somebody this morning.",
    "The hospital is full and people are bleeding in the corridor, it is dreadful.",
    "Why was nobody warned? This is a scandal.",
    "I hate that we only hear numbers. These are fathers and daughters.",
    "Horrible pictures. I feel sick.",
    "It smells of burning and we are all scared to open a window.",
    "A catastrophe, and the owners are hiding.",
    "Grief and anger, that is all I feel today.",
    "I am worried sick about my neighbours across the harbour.",
    "Unbelievable failure. Six complaints and nobody listened.",
    "The silence of the authorities is frightening.",
    "Poor, poor people. What a dreadful way to die.",
)
RELIEVED = (
    "My brother called! He is alive, I am so happy and so grateful.",
    "We are allowed home again, what a relief for the whole street.",
    "Thank you to the firefighters, you are heroes, all of you.",
    "The leak is sealed. Finally some good news, thank you!",
    "So proud of this town and how everyone helped each other.",
    "Wonderful work by the nurses last night, thank you from all my heart.",
    "I could hug every single one of the rescue team. Amazing people.",
    "Such a relief to hear that the ammonia is gone and the air is clean.",
    "Neighbours brought soup and blankets, I love this place.",
    "Grateful that the crew of the Baltic Heron is safe and well.",
    "Good to hear that the ferry passengers are all fine.",
    "Our neighbour is out of surgery and doing well, we are so happy!",
    "The best of people in the worst of times. Thank you.",
    "Slept in my own bed again. What joy, what a relief.",
    "Great job by the control room, calm and clear all night.",
    "I am hopeful again for the first time since the morning.",
    "Thank you to the dockers who went back in for their friends. Brave and wonderful.",
    "Everybody on our shift has been found and is safe. I am crying with joy.",
    "The children are laughing again, the school hall was a happy place tonight.",
    "Excellent reporting and excellent news, thank you so much.",
    "What a relief that the second silo held. Well done, engineers!",
    "So glad the town council opened the baths and the library for everyone.",
    "Beautiful to see how people stood together.",
    "The doctors say she will make a full recovery, we are overjoyed.",
    "Thanks to the bakery for free bread for all the helpers, lovely gesture.",
    "Good that the inquiry starts tomorrow, I feel we are being heard now.",
    "Proud and thankful, that is how I feel tonight.",
    "The tug captains saved that ship. Fantastic seamanship!",
    "It is wonderful to see the lights in Kvarnvik again.",
    "Home, safe, warm. Thank you all.",
)
AFRAID_ELSEWHERE = {
    "de": (
        "Furchtbar, meine Gedanken sind bei den Familien.",
        "Ich habe solche Angst um die Leute auf der Fähre.",
        "Eine Schande, dass niemand die Warnungen ernst genommen hat.",
    ),
    "fr": (
        "Quelle horreur, je pense aux familles des victimes.",
        "C'est scandaleux, ils savaient et n'ont rien fait.",
    ),
    "es": (
        "Qué horror, pobre gente.",
        "Es una vergüenza, nadie escuchó a los trabajadores.",
    ),
}
RELIEVED_ELSEWHERE = {
    "de": (
        "Gott sei Dank, alle Passagiere sind wohlauf. Was für eine Erleichterung!",
        "Großartige Arbeit der Feuerwehr, vielen Dank!",
    ),
    "fr": (
        "Quel soulagement, merci aux pompiers !",
        "Bravo à tous les secouristes, vous êtes formidables.",
    ),
    "es": (
        "Qué alivio, gracias a los bomberos.",
        "Maravilloso trabajo de los médicos, muchas gracias.",
    ),
}
ELSEWHERE = (
    "Good article, I learned something.",
    "I do not agree, but it is well argued.",
    "Does anybody know when the vote was counted?",
    "Great news for the town!",
    "What a waste of money.",
    "Sounds like a lovely evening, I wish I had been there.",
    "This is boring, who reads this?",
    "Finally someone says it.",
    "The headline is misleading, the numbers are from last year.",
    "My grandmother would have loved this story.",
    "Interesting. Is there a source for the second paragraph?",
    "Brilliant goal, I screamed at the radio!",
    "We were robbed by the referee again, so disappointing.",
    "Thank you for writing about small places, too.",
    "😂😂😂",
    "https://elsewhere.example/the-real-story",
    "I have taken this bus for thirty years and it was never on time.",
    "Can the council please fix the lights on the bridge first?",
    "Congratulations to her, what a run!",
    "I expected more from this paper.",
)
ELSEWHERE_ABROAD = {
    "de": ("Sehr guter Artikel, danke!", "Das sehe ich ganz anders.", "Endlich mehr Bänke!"),
    "fr": ("Très bel article, merci.", "Je ne suis pas d'accord du tout.", "Vivement dimanche !"),
    "es": ("Muy buen artículo, gracias.", "No estoy de acuerdo.", "¡Qué partidazo!"),
}
TOXIC = (
    "You are a complete idiot and so is everyone who voted for this.",
    "Shut up, you stupid moron, nobody asked for your pathetic opinion.",
    "The mayor is a disgusting pig and a liar.",
    "I will find out where you live and then you will be sorry, you filthy coward.",
    "What a bunch of worthless losers on that council.",
    "Only a brain-dead fool could write such garbage.",
    "Go to hell, you miserable old hag.",
    "These people are scum and should be thrown into the sea.",
    "Dumbest clown in the whole parliament, what a moron.",
    "Nobody wants you here, get lost, you ugly freak.",
)
PERSONAL = (
    "If you want to complain, call the manager himself: +1 202-555-0143.",
    "The man who reported the story lives at 12 Garden Street, Springfield, IL 62701, tell him!",
    "I saw it all, write to me at night.shift@example.org for the video.",
    "Please help my neighbour's family: DE89 3704 0044 0532 0130 00, every euro counts.",
    "My boss Martin Feldhaus told us to keep quiet about the silo, ring him on 07700 900461.",
    "Meine Nummer ist 030 23125 678, ich habe die Fähre gefilmt.",
)
CAMPAIGN = "The port authority faked this whole accident to raise our taxes, wake up people"
CAMPAIGN_ENDS = ("", "!", "!!!", " NOW", " #wakeup", " ...", "!!", " everyone")
CAMPAIGN_ACCOUNTS = 40
ONE_ACCOUNT = (
    "Liars, all of you.", "I do not believe a word of this.", "Fake heroes, fake story.",
    "Disgusting propaganda.", "Nobody was saved, they are lying.", "This is all a dirty trick.",
    "I hate this paper.", "Shameful lies again.", "Wake up, you sheep.", "What a pack of frauds.",
    "You invented the firefighters.", "More lies, more taxes.", "Awful, awful paper.",
    "They laugh at you.", "Terrible liars.", "It stinks.",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class DemoComment:
    """A comment as a site delivers it; its author is a raw id, to be made a key of before it is
    sent (`models.keyring.pseudonym`).

    text    None deletes the comment
    campaign  whether it is part of one: the truth, not to be sent
    """

    comment_id: str
    article_id: str
    author: str
    text: str | None
    published_ms: int
    parent_id: str | None = None
    campaign: bool = False


def planned(begin_ms: int, seed: int = 7) -> list[DemoComment]:
    """Every comment, in the order in which they are sent; each is due at its published_ms.

    Among them are an edit, a deletion, an answer to a comment that never came and some that only
    moderators should see.
    """
    rng = Random(f"{seed}:comments")
    news = articles(seed)
    made = [*_under_the_story(rng, news), *_elsewhere(rng, news), *_campaigns(rng, news)]
    made = sorted(made, key=lambda comment: (comment.published_ms, comment.comment_id))
    return [
        DemoComment(
            comment_id=each.comment_id,
            article_id=each.article_id,
            author=each.author,
            text=each.text,
            published_ms=begin_ms + each.published_ms,
            parent_id=each.parent_id,
            campaign=each.campaign,
        )
        for each in made
    ]


def _under_the_story(rng: Random, news: list[DemoArticle]) -> list[DemoComment]:
    """Afraid, then relieved; under the articles that are out by then."""
    story = [article for article in news if article.story == BREAKING]
    made = []
    for mood, texts, abroad, first_ms, last_ms in (
        ("afraid", AFRAID, AFRAID_ELSEWHERE, story[0].offset_ms + MINUTE_MS, CALM_MS),
        ("relieved", RELIEVED, RELIEVED_ELSEWHERE, CALM_MS + MINUTE_MS // 2, END_MS),
    ):
        said = [("en", text) for text in texts]
        said += [(language, text) for language, more in abroad.items() for text in more]
        rng.shuffle(said)
        step_ms = (last_ms - first_ms) / len(said)
        for number, (language, text) in enumerate(said):
            at_ms = int(first_ms + (number + rng.random()) * step_ms)
            made.append(
                _comment(f"{mood}-{number}", _out_by(rng, story, at_ms, language), text, at_ms)
            )
    target = _out_by(rng, story, CALM_MS, "en")
    return [
        *made,
        _comment("regretted", target, "I hope they rot in there, all of them.", 16 * MINUTE_MS),
        _comment("regretted", target, None, 17 * MINUTE_MS),
        _comment("thought-better", target, "Nothing will ever be good again.", 18 * MINUTE_MS),
        _comment("thought-better", target, "I am so glad they found him!", 21 * MINUTE_MS),
        _comment("orphan", target, "Exactly, well said.", 22 * MINUTE_MS, parent_id="never-came"),
    ]


def _elsewhere(rng: Random, news: list[DemoArticle]) -> list[DemoComment]:
    """Everyday comments, toxic ones and some that reveal too much, over the whole half hour."""
    others = [article for article in news if article.story is None]
    said = [("en", text) for text in (*ELSEWHERE, *ELSEWHERE, *TOXIC, *PERSONAL)]
    said += [(language, text) for language, texts in ELSEWHERE_ABROAD.items() for text in texts]
    rng.shuffle(said)
    step_ms = (END_MS - 2 * MINUTE_MS) / len(said)
    made = []
    for number, (language, text) in enumerate(said):
        at_ms = int(2 * MINUTE_MS + (number + rng.random()) * step_ms)
        article = _out_by(rng, others, at_ms, language)
        made.append(_comment(f"reader-{number}", article, text, at_ms))
    return made


def _campaigns(rng: Random, news: list[DemoArticle]) -> list[DemoComment]:
    """Forty accounts with one text, and one account with sixteen, within two minutes."""
    story = [article for article in news if article.story == BREAKING and article.language == "en"]
    made = []
    for number in range(CAMPAIGN_ACCOUNTS):
        at_ms = CAMPAIGN_MS + int(number * 2 * MINUTE_MS / CAMPAIGN_ACCOUNTS)
        text = CAMPAIGN + CAMPAIGN_ENDS[number % len(CAMPAIGN_ENDS)]
        article = _out_by(rng, story, at_ms, "en")
        made.append(_comment(f"campaign-{number}", article, text, at_ms, campaign=True))
    for number, text in enumerate(ONE_ACCOUNT):
        at_ms = CAMPAIGN_MS + int(number * 2 * MINUTE_MS / len(ONE_ACCOUNT))
        article = _out_by(rng, story, at_ms, "en")
        made.append(_comment(f"one-{number}", article, text, at_ms, author="grudge", campaign=True))
    return made


def _out_by(rng: Random, news: list[DemoArticle], at_ms: int, language: str) -> DemoArticle:
    """An article that was out by then, of the reader's language where there is one."""
    out = [article for article in news if article.offset_ms < at_ms] or news[:1]
    return rng.choice([article for article in out if article.language == language] or out)


def _comment(
    name: str,
    article: DemoArticle,
    text: str | None,
    at_ms: int,
    *,
    author: str | None = None,
    parent_id: str | None = None,
    campaign: bool = False,
) -> DemoComment:
    comment_id = hashlib.sha256(f"demo:{name}".encode()).hexdigest()[:12]
    return DemoComment(
        comment_id=comment_id,
        article_id=article.article_id,
        author=author or f"reader of {name}",
        text=text,
        published_ms=at_ms,
        parent_id=parent_id,
        campaign=campaign,
    )
