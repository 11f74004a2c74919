"""Exact arithmetic on amounts, shares, rates, periods and numbers with check digits.

Pure: plain values in, plain values out. No clock, no database, no framework; nothing of the
rest of the program is imported here. Amounts are whole numbers of the smallest unit.
"""
