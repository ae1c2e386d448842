# backlabel on the CPU, with the sample; to be built in a clone of the repository.
#
#   docker build --tag backlabel .
#   docker run --rm backlabel                                                 the sample's pipeline
#   docker run --rm --volume "$PWD:/work" --workdir /work backlabel dvc repro    a project of yours
#
# The build asks the package registries for packages and nothing else: the sample comes from
# sample-remote/ of the repository. TORCH_INDEX may name an index with CPU builds of torch, which
# leave some gigabytes of CUDA libraries out of the image:
#
#   docker build --build-arg TORCH_INDEX=<address> --tag backlabel .
FROM python:3.11-slim-bookworm

RUN apt-get update \
    && apt-get install --yes --no-install-recommends git make openssh-client \
    && rm -rf /var/lib/apt/lists/*

# The image needs no root: the sample's checkout and what runs write belong to this user.
RUN useradd --create-home backlabel && install -d -o backlabel /opt/backlabel /work
USER backlabel
WORKDIR /opt/backlabel
COPY --chown=backlabel . .

ARG TORCH_INDEX=
RUN python -m venv .venv \
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
