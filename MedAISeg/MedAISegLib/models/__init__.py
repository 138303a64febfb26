"""What a model is, apart from its network: its specification, the store of installed models, trust."""
