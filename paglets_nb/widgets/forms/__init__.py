"""What a form is without its widget: fields, values, requests, calls, and their pictures.

Owns how a request's dataclass becomes fields and back, and the calls that are made with
it. It must not know how a form is drawn, nor any page.
"""
