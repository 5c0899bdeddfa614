"""The server: REST, streams, webhooks, GraphQL and gRPC over what the jobs write."""
