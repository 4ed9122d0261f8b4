//! Made-up machines, and what is said of each.
