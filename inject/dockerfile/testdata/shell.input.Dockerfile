# escape=`
FROM scratch
SHELL ["/bin/bash", "-ec"]
entrypoint exec /app `
    --path C:\x
CMD serve
