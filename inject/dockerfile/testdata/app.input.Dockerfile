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
ENTRYPOINT ["/app", \
    "--greeting", "<hello> $NAME" \
]
EXPOSE 80
