"""The books: accounts, journal entries, balances and periods. The only writer of money.

Knows nothing of rounds, vouchers or people's names: callers name accounts and give codes.
"""
