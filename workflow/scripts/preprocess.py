"""Turn images into one data variant, training and test split."""

from linvae.jobs.program import run


def main(settings: dict, images: str, data: str) -> None:
    """Take the first images of each split and preprocess them."""
    from linvae.files import read_arrays, write_arrays
    from linvae.images import preprocess

    arrays = read_arrays(images)
    splits = {}
    for split in ("train", "test"):
        chosen = preprocess.first(arrays[split], settings[f"n_{split}"], split)
        if settings["preprocessing"] == "pixels":
            splits[split] = preprocess.pixels(chosen)
        else:
            splits[split] = preprocess.logit(
                chosen, settings["seed"], settings["logit_lambda"], stream=split
            )
    write_arrays(data, **splits)


if __name__ == "__main__":
    run(main)
