# An image that starts the emulator: no root, no shell in between, nothing written to disk.
#
#   docker build --tag sched-emulator .
#   docker run --rm --publish 127.0.0.1:8420:8420 sched-emulator
#   docker run --rm --publish 127.0.0.1:8420:8420 sched-emulator serve --clock frozen
#
# Every option of `serve` is also an environment variable. The control API answers requests for localhost; other names
# under which it is reached are given by SCHED_EMULATOR_ALLOW_HOST (see docs/deployment.md).

FROM python:3.13-slim-bookworm AS build
WORKDIR /source
COPY . .
RUN python -m venv --without-pip /opt/sched-emulator \
    && pip --python /opt/sched-emulator/bin/python install --no-cache-dir .

FROM python:3.13-slim-bookworm
COPY --from=build /opt/sched-emulator /opt/sched-emulator
ENV PATH=/opt/sched-emulator/bin:$PATH \
    SCHED_EMULATOR_HOST=0.0.0.0 \
    SCHED_EMULATOR_PORT=8420
USER 10001:10001
EXPOSE 8420
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s \
    CMD ["python", "-c", "import os; from sched_emulator import Emulator; Emulator.connect('http://127.0.0.1:' + os.environ['SCHED_EMULATOR_PORT'])"]
ENTRYPOINT ["sched-emulator"]
CMD ["serve"]
