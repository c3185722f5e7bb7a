FROM nginx:1.27
EXPOSE 80
USER 1000
# lanner: from here to the end of it, put in by inject dockerfile
COPY --from=example.com/trace:1 /trace /lanner/trace
ENTRYPOINT ["/lanner/trace", "run-entrypoint", "-e", "execve", "--entrypoints", "{\"*\":{\"entrypoint\":[\"/docker-entrypoint.sh\"],\"cmd\":[\"nginx\"]}}", "--"]
# lanner: end
