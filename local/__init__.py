"""Kafka, Redis and Flink on one machine."""
