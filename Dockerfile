# The service on its own; the database is outside (DATABASE_URL), and so is the master key (MUNIMENT_MASTER_KEY). It runs as
# an ordinary user and writes to /data and /tmp only: docs/OPERATIONS.md, "In a container", runs it read-only.
FROM node:26-bookworm-slim
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000 MUNIMENT_DATA=/data
WORKDIR /app
COPY package.json package-lock.json ./
# Without optional peers: a package names the test runner and the schema tools as such, and npm would install them.
RUN npm ci --omit=dev --legacy-peer-deps --no-audit --no-fund && npm cache clean --force
COPY tsconfig.json ./
COPY src ./src
COPY policies ./policies
RUN mkdir /data && chown node:node /data
# By number, so that an orchestrator that demands a user other than root sees that it is one.
USER 1000:1000
VOLUME /data
EXPOSE 3000
# A worker (--role worker) listens on nothing: run it with --no-healthcheck.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.PORT + '/readyz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "--import", "tsx", "src/main.ts", "serve"]
