# syntax=docker/dockerfile:1
ARG VERSION=1.27
FROM golang:1 AS build
RUN <<END
go build -o /app .
echo 'FROM nothing'
END
ENTRYPOINT ["/build"]

FROM nginx:${VERSION} AS web
COPY --from=build /app /app
CMD ["nginx", "-g", "daemon off;"]

# The one that counts.
FROM web AS final
RUN apt-get update \
    # what we need
    && apt-get install -y curl
#lanner# ENTRYPOINT ["/app", \
#lanner#     "--greeting", "<hello> $NAME" \
#lanner# ]
EXPOSE 80
# lanner: from here to the end of it, put in by inject dockerfile
COPY --from=example.com/trace:1 /trace /lanner/trace
ENTRYPOINT ["/lanner/trace", "-e", "execve", "--", "/app", "--greeting", "<hello> $NAME"]
# lanner: end
