"""What goes back after a sale, and what buyers say: refunds, claims, ratings. Rules only."""
