"""Networks of a few thousand random weights, with heads that class a text."""


def tiny(*, layers=1, dropout=0.0, **heads):
    """Each head by its name, with so many labels."""
    import transformers

    from training import network

    config = transformers.BertConfig(
        vocab_size=40,
        hidden_size=network.WIDTH,
        num_hidden_layers=layers,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=16,
        attn_implementation="eager",
    )
    return network.Network(
        transformers.BertModel(config, add_pooling_layer=False),
        {name: network.OfText(labels, dropout=dropout) for name, labels in heads.items()},
    )
