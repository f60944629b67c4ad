# The environment of linvae and the workflow itself, for one machine or as an image that a
# cluster converts (apptainer build linvae.sif docker-daemon:linvae:latest).
#
#   docker build --tag linvae .
#   docker run --rm --volume "$PWD/results:/linvae/results" linvae --cores 8
#
# Results land in ./results of the host. The lock file pins versions; the package index decides which
# build of torch they name. For the CPU build, or that of another CUDA version, give PyTorch's own
# index: --build-arg PIP_EXTRA_INDEX_URL=<address>; for GPUs run with --gpus all.
FROM python:3.11-slim-bookworm

ARG PIP_EXTRA_INDEX_URL=""

WORKDIR /linvae

# Dependencies first: editing the workflow leaves this layer as it is.
COPY requirements.lock ./
RUN pip install --no-cache-dir --requirement requirements.lock

COPY . .
# Editable, as in a working copy: rules hash the modules that they reach in src/.
RUN pip install --no-cache-dir --no-deps --no-build-isolation --editable .

# A home that any user may write to (docker run --user), and no display.
ENV HOME=/tmp MPLBACKEND=Agg PYTHONUNBUFFERED=1

ENTRYPOINT ["snakemake"]
CMD ["--cores", "1"]
