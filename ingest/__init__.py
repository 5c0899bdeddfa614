"""From files and feeds to Kafka."""
