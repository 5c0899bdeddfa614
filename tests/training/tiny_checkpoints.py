"""Checkpoints of a few thousand random weights, with tokenizers trained on a few sentences."""

from tokenizers import (
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)

SENTENCES = [
    "The council voted late on Tuesday to reopen the bridge after two years of repairs.",
    "Der Rat stimmte am Dienstag für die Brücke. Le conseil a voté mardi soir.",
    "الرئيس زار القاهرة 市议会周二决定重新开放大桥 шторм в порту 🔥 🌊",
]
SIZE = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 48,
    "initializer_range": 0.4,
}
FAMILIES = {
    "bert": ("Bert", {"max_position_embeddings": 48} | SIZE),
    "roberta": ("Roberta", {"max_position_embeddings": 50, "type_vocab_size": 1} | SIZE),
    "xlm-roberta": ("XLMRoberta", {"max_position_embeddings": 50, "type_vocab_size": 1} | SIZE),
    "distilbert": (
        "DistilBert",
        {
            "dim": 32,
            "n_layers": 2,
            "n_heads": 2,
            "hidden_dim": 48,
            "max_position_embeddings": 48,
            "initializer_range": 0.4,
        },
    ),
}
TOKENS = 48
"""What each of them can read."""


def make(folder, family, kind, labels=(), **config):
    """A checkpoint of a class like `ForTokenClassification`, or "" for the bare encoder."""
    import torch
    import transformers

    torch.manual_seed(7)
    name, sizes = FAMILIES[family]
    tokenizer = _word_pieces() if family in ("bert", "distilbert") else _unigrams()
    if family == "roberta":
        tokenizer = _byte_pairs()
    padding = tokenizer.token_to_id("[PAD]" if tokenizer.token_to_id("[PAD]") == 0 else "<pad>")
    settings = {"vocab_size": tokenizer.get_vocab_size(), "pad_token_id": padding} | sizes | config
    if labels:
        settings["id2label"] = dict(enumerate(labels))
        settings["label2id"] = {label: number for number, label in enumerate(labels)}
    built = getattr(transformers, f"{name}Config")(**settings)
    model = getattr(transformers, f"{name}{kind or 'Model'}")(built)
    model.save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def _word_pieces():
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.train_from_iterator(
        SENTENCES,
        trainers.WordPieceTrainer(vocab_size=200, special_tokens=special, show_progress=False),
    )
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.enable_truncation(8)  # as many publishers leave it
    tokenizer.enable_padding(length=16)
    return tokenizer


def _byte_pairs():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    tokenizer.train_from_iterator(
        SENTENCES,
        trainers.BpeTrainer(
            vocab_size=300,
            special_tokens=special,
            show_progress=False,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        ),
    )
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    return tokenizer


def _unigrams():
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    tokenizer.train_from_iterator(
        SENTENCES,
        trainers.UnigramTrainer(
            vocab_size=200, special_tokens=special, unk_token="<unk>", show_progress=False
        ),
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return tokenizer
