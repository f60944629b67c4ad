"""Turn images into one data variant, training and test split."""

from linvae.jobs.program import run


def main(settings: dict, images: str, data: str) -> None:
    """Take the first images of each split and preprocess them."""
    from linvae.files import read_arrays, write_arrays
    from linvae.images import preprocess

    arrays = read_arrays(images)
    numbers = (settings["n_train"], settings["n_test"], settings.get("after", 0))
    splits = preprocess.splits_of(arrays["train"], arrays["test"], *numbers)
    for split, chosen in splits.items():
        if settings["preprocessing"] == "pixels":
            splits[split] = preprocess.pixels(chosen)
        else:
            splits[split] = preprocess.logit(
                chosen, settings["seed"], settings["logit_lambda"], stream=split
            )
    write_arrays(data, **splits)


if __name__ == "__main__":
    run(main)
