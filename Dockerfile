# backlabel on the CPU, with the sample; to be built in a clone of the repository.
#
#   make image                                                                builds it
#   docker run --rm backlabel                                                 the sample's pipeline
#   docker run --rm --volume "$PWD:/work" --workdir /work backlabel dvc repro    a project of yours
#
# `make image` asks Debian and PyPI for packages and nothing else: it makes the base image of Debian's
# packages, and the sample comes from sample-remote/ of the repository. It takes docker, podman or
# buildah; BUILD_OPTIONS are the builder's own. `docker build --tag backlabel .` fetches its base.
#
# TORCH_INDEX may name an index with CPU builds of torch, which leave some gigabytes of CUDA libraries
# out of the image: make image BUILD_OPTIONS="--build-arg TORCH_INDEX=<address>"
ARG BASE=debian:bookworm-slim
FROM ${BASE}

RUN apt-get update \
    && apt-get install --yes --no-install-recommends \
        ca-certificates git make openssh-client python3 python3-venv \
    && rm -rf /var/lib/apt/lists/*

# The image needs no root: the sample's checkout and what runs write belong to this user.
RUN useradd --create-home backlabel && install -d -o backlabel /opt/backlabel /work
USER backlabel
WORKDIR /opt/backlabel
COPY --chown=backlabel . .

ARG TORCH_INDEX=
RUN python3 -m venv .venv \
    && grep '^torch==' constraints.txt > /tmp/torch.txt \
    && .venv/bin/pip install --no-cache-dir ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} \
        --requirement /tmp/torch.txt \
    && .venv/bin/pip install --no-cache-dir --constraint constraints.txt --editable .

ENV PATH=/opt/backlabel/.venv/bin:$PATH \
    DVC_NO_ANALYTICS=1

# A mounted project may belong to another user.
RUN git config --global --add safe.directory '*' \
    && dvc pull --quiet data.dvc

CMD ["dvc", "repro"]
