"""What `make bench` is made of: the server, the phases, the report, the plots."""
