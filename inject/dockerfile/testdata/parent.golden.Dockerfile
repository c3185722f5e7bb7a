FROM nginx:1.27 AS base
CMD ["nginx-debug"]
FROM base
USER 1
# lanner: from here to the end of it, put in by inject dockerfile
COPY --from=example.com/trace:1 /trace /lanner/trace
ENTRYPOINT ["/lanner/trace", "run-entrypoint", "-e", "execve", "--entrypoints", "{\"*\":{\"entrypoint\":[\"/docker-entrypoint.sh\"],\"cmd\":[\"nginx\"]}}", "--"]
CMD ["nginx-debug"]
# lanner: end
