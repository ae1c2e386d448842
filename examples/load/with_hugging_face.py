"""The labelled set as a Hugging Face data set, without any network."""

from datasets import load_dataset

everything = load_dataset("./labeled", split="train")  # Hugging Face calls all of it "train"
train = everything.filter(lambda split: split == "train", input_columns="split")
numbered = train.class_encode_column("label")
print(len(numbered), "of", len(everything), numbered.features["label"].names)
print(numbered[0]["image"].size, numbered[0]["label"])
