"""An issue and an agency become the mail that the agency's readers get."""
