"""How much personal data is found in comments: `wiredesk evaluate personal-data`."""
