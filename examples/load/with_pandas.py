"""All that is known of each file as a table."""

import pandas as pd

files = pd.read_parquet("labeled/manifest.parquet")
print(files.groupby(["category", "split"]).size().unstack(fill_value=0))
print(files.loc[files.ssim_value < 0.9, ["file", "JPEG_path", "ssim_value"]])
