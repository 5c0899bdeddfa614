"""Texts that every model must answer, or refuse with a reason: by what is odd about them."""

TEXTS = {
    "empty": "",
    "white space": " \n\t ",
    "one character": "x",
    "emoji": "🔥🌊🚒",
    "mixed direction": "The minister said \u202bقرر المجلس\u202c on Tuesday, \u200fשלום.",
    "short": "Bridge reopens",
    "sentence": "The council voted late on Tuesday to reopen the bridge after two years of repairs.",
    "long": "Engineers had found cracks in all four piers of the old harbour bridge. " * 40,
    "other script": "市议会周二晚间决定重新开放这座大桥。",
    "control characters": "flood\x00 warning\x07 issued",
    "100,000 tokens": "word " * 100_000,
}
