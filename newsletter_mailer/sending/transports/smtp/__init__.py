"""The `smtp` transport: pipelined conversations with one relay over a pool of connections."""
