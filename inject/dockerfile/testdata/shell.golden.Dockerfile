# escape=`
FROM scratch
SHELL ["/bin/bash", "-ec"]
#lanner# entrypoint exec /app `
#lanner#     --path C:\x
CMD serve
# lanner: from here to the end of it, put in by inject dockerfile
COPY --from=example.com/trace:1 /trace /lanner/trace
ENTRYPOINT ["/lanner/trace", "-e", "execve", "--", "/bin/bash", "-ec", "exec /app     --path C:\\x"]
# lanner: end
