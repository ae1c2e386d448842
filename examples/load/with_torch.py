"""Batches of the labelled set for PyTorch, in full depth, by its own splits."""

import torch
from torch.utils.data import DataLoader

import backlabel

resize = torch.nn.AdaptiveAvgPool2d((128, 128))  # images differ in size; a batch needs one
train = backlabel.load("labeled", split="train", transform=resize)
for pictures, targets in DataLoader(train, batch_size=8, shuffle=True):
    print(tuple(pictures.shape), [train.classes[target] for target in targets])
