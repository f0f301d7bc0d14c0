"""How fast is a list of 20 products, of 32 organisations in turn?"""
