"""SendGrid's Web API v3: a thousand people a request."""
