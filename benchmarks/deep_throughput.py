"""Images per second of deep VAE training on one core, by batch size and precision.

What `benchmarks/deep.py` compares on the benchmark page, for other batches and for bfloat16:

    python benchmarks/deep_throughput.py --precisions float32 bfloat16
"""

import argparse

import torch
from deep import PAPER, speeds
from parts import logit_rows

from linvae.threads import one_blas_thread


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[64, 128])
    parser.add_argument("--precisions", nargs="+", default=["float32", "bfloat16"])
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rows = logit_rows(arguments.images)
    print("processor time, medians; images per second")
    print("precision  batch   plain   linvae   limit   ratio   of the limit")
    for precision in arguments.precisions:
        for batch_size in arguments.batch_sizes:
            with one_blas_thread():
                found = speeds(rows, PAPER, batch_size, precision, arguments.rounds)
            plain, ours, limit = (found[key] for key in ("plain loop", "linvae", "bare products"))
            numbers = f"{plain:7.0f} {ours:8.0f} {limit:7.0f}"
            ratios = f"{ours / plain:7.2f} {ours / limit:14.2f}"
            print(f"{precision:9s} {batch_size:6d} {numbers} {ratios}")


if __name__ == "__main__":
    main()
