FROM nginx:1.27 AS base
CMD ["nginx-debug"]
FROM base
USER 1
