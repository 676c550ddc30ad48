"""Read results: effects, statistics, fits, and the claims that rest on them."""
