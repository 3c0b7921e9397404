# Two stages: build with the compiler, run without it, as an unprivileged user on a read-only root.
FROM node:24-bookworm-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends python3 make g++ && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/jingtu
COPY package.json package-lock.json ./
RUN npm ci
COPY . .
RUN npm run build && npm prune --omit=dev

FROM node:24-bookworm-slim
# Two malloc arenas instead of one a thread: glibc keeps what each arena once needed.
ENV NODE_ENV=production MALLOC_ARENA_MAX=2 EWS_DATA_DIR=/data EWS_HOST=0.0.0.0
RUN useradd --system --uid 10001 --home-dir /data jingtu && install -d -o jingtu -g jingtu -m 0700 /data
WORKDIR /opt/jingtu
COPY --from=build /opt/jingtu/package.json ./
COPY --from=build /opt/jingtu/node_modules ./node_modules
COPY --from=build /opt/jingtu/dist ./dist
USER jingtu
VOLUME /data
EXPOSE 1883 8883 9001 8080 9212
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8080/api/v1/health/live').then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "dist/main.js"]
CMD ["serve"]
