"""What tests share: servers, peers, networks, examples."""
