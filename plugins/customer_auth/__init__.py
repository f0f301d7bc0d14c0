"""customer_auth"""
