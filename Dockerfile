# The image of acemux. From a clone:
#
#   docker build -t acemux .
#   docker run --rm -p 8000:8000 acemux serve --demo                 # a test pattern, to try it
#   docker run -d -p 8000:8000 -v acemux-data:/data -e ENGINES=192.168.1.20:6878 acemux
#
# BASE_IMAGE must hold Node, npm and /bin/sh; a user with the number 1000 need not exist in it.
# With a Node older than 26 let npm bring the bundled one:
#
#   docker build --build-arg BASE_IMAGE=node:22-bookworm-slim --build-arg NPM_OMIT="--omit=dev" .

ARG BASE_IMAGE=node:26-bookworm-slim

# ── the packages, apart, so that npm's cache stays out of the image ──
FROM ${BASE_IMAGE} AS packages
# The optional packages are the bundled Node 26, which this base has anyway.
ARG NPM_OMIT="--omit=dev --omit=optional"
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci ${NPM_OMIT} --ignore-scripts --no-audit --no-fund --no-update-notifier

# ── server and panel: as `npm ci` has built them in this folder or, in a bare clone, by packages that stay out of the image ──
FROM ${BASE_IMAGE} AS built
WORKDIR /app
COPY . ./
# Compiler and bundler have a binary for each platform, as an optional package.
RUN node scripts/is-built.mjs || \
    { npm ci --include=dev --include=optional --ignore-scripts --no-audit --no-fund --no-update-notifier && \
      node scripts/build-server.mjs && node scripts/build-panel.mjs; }

FROM ${BASE_IMAGE}
# A small young generation and few malloc arenas: 30 to 40 MB less for hundreds of viewers, and no slower
# (docs/benchmarks.md). The threshold is glibc's own: set, it stays, and what a ring lets go of goes back to the
# kernel. npm start does the same.
ENV NODE_ENV=production \
    NODE_OPTIONS=--max-semi-space-size=2 \
    MALLOC_ARENA_MAX=2 \
    MALLOC_MMAP_THRESHOLD_=131072 \
    DATA_DIR=/data
WORKDIR /app
# A new named volume takes owner and mode over from this folder; the server does not run as root.
RUN ["node", "-e", "fs.mkdirSync('/data', { mode: 0o700 }); fs.chownSync('/data', 1000, 1000)"]
COPY --from=packages /app/node_modules ./node_modules
COPY package.json LICENSE ./
COPY bin ./bin
COPY --from=built /app/dist ./dist
COPY --from=built /app/panel/dist ./panel/dist
USER 1000:1000
VOLUME /data
EXPOSE 8000
# Reads the port from the same environment and acemux.yaml as the server; it answers within 5 s.
HEALTHCHECK --interval=10s --timeout=6s --start-period=20s --retries=3 \
  CMD ["node", "/app/bin/acemux.mjs", "healthcheck"]
ENTRYPOINT ["node", "/app/bin/acemux.mjs"]
CMD ["serve"]
