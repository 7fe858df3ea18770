# Linli in one image: docker build --tag linli .
# The pages are built in the first stage; the second holds Python, Linli and no compiler.
FROM node:22-bookworm-slim AS pages
WORKDIR /linli/web
COPY web/package.json web/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY web ./
RUN npm run build

FROM python:3.11-slim-bookworm
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PATH=/linli/.venv/bin:$PATH
WORKDIR /linli
# What labels and pick lists are printed in.
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends fonts-wqy-zenhei \
    && rm -rf /var/lib/apt/lists/*
# Dependencies first: they change less often than the program.
COPY constraints.txt pyproject.toml README.md LICENSE ./
COPY commerce commerce
COPY insight insight
COPY loadtest loadtest
COPY media media
COPY rooms rooms
COPY server server
RUN python -m venv .venv \
    && pip install --no-cache-dir --disable-pip-version-check --constraint constraints.txt --editable . \
    && useradd --system --home-dir /var/lib/linli --create-home linli
COPY --from=pages /linli/web/dist web/dist
USER linli
ENV LINLI_DATA_DIR=/var/lib/linli LINLI_LOG_FORMAT=json
VOLUME /var/lib/linli
EXPOSE 8080/tcp 1935/tcp 8440/udp
# SIGTERM drains for LINLI_DRAIN_S.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f\"http://127.0.0.1:{os.environ.get('LINLI_PORT', 8080)}/healthz\", timeout=2)"]
CMD ["linli", "serve"]
