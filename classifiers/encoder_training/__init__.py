"""Training of the text encoder, for `newswire train-encoder` alone; it needs the extra encoder-training."""
