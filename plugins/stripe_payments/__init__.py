"""stripe_payments"""
