"""A data set's own repository: what `backlabel init` writes and `backlabel upgrade` renews."""
