FROM scratch
ENTRYPOINT ["/a"]
CMD ["b"] \
