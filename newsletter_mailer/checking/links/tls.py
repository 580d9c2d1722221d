"""What is wrong with a server's certificate or its TLS, in an editor's words."""

import ssl

_CERTIFICATE = {
    9: "its certificate is not valid yet",
    10: "its certificate has expired",
    18: "its certificate is self-signed",
    19: "its certificate is from an unknown authority",
    20: "its certificate is from an unknown authority, or one in between is not sent",
    21: "its certificate is from an unknown authority, or one in between is not sent",
    23: "its certificate has been revoked",
    62: "its certificate is for another name",
    64: "its certificate is for another name",
}
"""By OpenSSL's codes, X509_V_ERR_* in x509_vfy.h."""

_OLD = frozenset(
    {
        "UNSUPPORTED_PROTOCOL",
        "TLSV1_ALERT_PROTOCOL_VERSION",
        "DH_KEY_TOO_SMALL",
        "UNSAFE_LEGACY_RENEGOTIATION_DISABLED",
        "WRONG_SIGNATURE_TYPE",
    }
)
_NO_TLS = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"})


def tls_kind(error: OSError | ssl.SSLError) -> str:
    """What failed, as the end of a sentence about a server."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _CERTIFICATE.get(error.verify_code, f"its certificate fails: {error.verify_message}")
    reason = getattr(error, "reason", None) or ""
    if reason in _OLD:
        return "it speaks only an old version of TLS, which browsers refuse"
    if reason in _NO_TLS:
        return "it does not speak TLS at this port"
    return f"TLS cannot be agreed on ({str(reason).replace('_', ' ').lower() or 'no reason given'})"
