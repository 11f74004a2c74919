"""Group purchases, shared costs and one double-entry ledger for neighbourhood cooperatives."""
