# The image contains one static binary. The binary is built outside of Docker, so that
# the build is incremental. `cargo xtask image` prepares the context:
#   docker build --build-arg SERVICE=gateway --build-arg TARGETARCH=amd64 -f Dockerfile target/image
# with target/image/amd64/gateway. Buildx sets TARGETARCH itself.
FROM scratch
ARG SERVICE
ARG TARGETARCH
ARG VERSION=0.0.0
ARG REVISION=unknown
ARG SOURCE=
LABEL org.opencontainers.image.title="onetrace/${SERVICE}" \
      org.opencontainers.image.description="onetrace: ${SERVICE}" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY ${TARGETARCH}/${SERVICE} /service
USER 65532:65532
ENTRYPOINT ["/service"]
