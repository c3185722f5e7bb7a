#!/bin/sh
# Says hello, and ends as it is told to.
echo "hello $(id -u)"
exit "${HELLO_STATUS:-0}"
