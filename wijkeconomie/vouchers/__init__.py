"""Vouchers of the neighbourhood (wijkmunt): issued, passed on, redeemed at merchants, expired."""
