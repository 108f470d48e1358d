# One image for every part of Callout: the command decides which part a container is.

FROM python:3.11-slim-bookworm AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_COMPILE=1
WORKDIR /src
RUN python -m venv /opt/callout

# Dependencies first: they change seldom, so this layer is mostly taken from the cache.
COPY locks/runtime.txt locks/build.txt locks/
RUN /opt/callout/bin/pip install --require-hashes --no-deps -r locks/runtime.txt \
    && pip install --require-hashes --no-deps -r locks/build.txt

COPY . .
# No build isolation: the build backend above is pinned by hash, a fetched one would not be.
RUN pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
    && /opt/callout/bin/pip install --no-deps /wheels/*.whl \
    && /opt/callout/bin/pip check \
    && /opt/callout/bin/pip uninstall --yes pip setuptools \
    && /opt/callout/bin/python -m compileall -q /opt/callout/lib


FROM python:3.11-slim-bookworm

RUN groupadd --gid 10001 callout \
    && useradd --uid 10001 --gid callout --no-create-home --home-dir /nonexistent \
       --shell /usr/sbin/nologin callout

COPY --from=build /opt/callout /opt/callout

ENV PATH=/opt/callout/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    CALLOUT_HOST=0.0.0.0 \
    CALLOUT_PORT=8000

USER 10001:10001
WORKDIR /opt/callout
EXPOSE 8000
STOPSIGNAL SIGTERM

# Alive, not ready: a container whose database is away heals by itself, a restart would not help.
HEALTHCHECK --interval=5s --timeout=4s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{os.environ[\"CALLOUT_PORT\"]}/healthz', timeout=3)"]

CMD ["callout", "serve"]
